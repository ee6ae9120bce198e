"""Keras layers that networks are built from: MixedOp, convolutions, stems, heads."""

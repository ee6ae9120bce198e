"""Keras layers: branches, routers, the MixedOp and what is built of them."""

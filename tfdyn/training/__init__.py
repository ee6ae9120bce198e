"""Training: the trainer, its loop, stages, callbacks and checkpoints."""

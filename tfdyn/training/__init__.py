"""Training: losses, callbacks, stages, the loop and the run folder."""

"""Benchmarks: each command times several ways to do the same work, in turn."""

import os

from tfdyn.output import start_tensorflow

# Without its messages, before the commands import it. `jax_training` runs without it.
if os.environ.get("KERAS_BACKEND") != "jax":
    start_tensorflow()

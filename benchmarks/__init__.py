"""Benchmarks: each command times several ways to do the same work, in turn."""

from tfdyn.output import start_tensorflow

start_tensorflow()  # Without its messages, before the commands import it.

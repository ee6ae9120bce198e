"""Benchmarks: each command times several forms in turn, in one run, to compare them."""

from tfdyn.output import start_tensorflow

start_tensorflow()  # Without its messages; the commands here import it later.

"""Benchmarks: what is compared runs side by side, in turn, in one command."""

from tfdyn.output import start_tensorflow

start_tensorflow()  # Quietly, before the commands here import it.

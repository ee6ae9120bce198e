"""Benchmarks: what is compared runs side by side, in turn, in one command."""

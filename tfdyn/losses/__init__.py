"""Losses: what a training minimises, on a model's outputs."""

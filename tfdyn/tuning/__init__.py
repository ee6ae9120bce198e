"""Tuning: a search over settings with keras-tuner, each trial a run folder."""

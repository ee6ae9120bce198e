"""Routed models: what all families share, then one file a family."""

"""Wrapped: a user's own Keras model, made dynamic."""

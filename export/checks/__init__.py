"""Checks of an exported file against the network in Keras."""

"""Data sets: reading, splitting, normalising and augmenting images."""

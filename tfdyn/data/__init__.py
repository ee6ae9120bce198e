"""Data sets, their input format and the augmentation of their training pictures."""

"""Run folders: the files of a training, and how to read them."""

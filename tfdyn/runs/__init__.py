"""Run folders: what a training leaves behind, and how to read it."""

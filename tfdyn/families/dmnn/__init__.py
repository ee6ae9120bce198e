"""DMNN (Dynamic Multi-path Neural Network) and its static twins."""

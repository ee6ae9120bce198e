"""Evaluation of finished runs: accuracy, cost, and the threshold T for a goal."""

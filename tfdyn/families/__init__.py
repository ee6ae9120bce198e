"""Families of networks: one folder each, and the names of all networks."""

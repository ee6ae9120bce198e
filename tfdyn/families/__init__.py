"""Families of networks, with a folder for each, and the names of all networks."""

"""Models: the base class of all networks, and the description of a family."""

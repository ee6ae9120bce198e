"""Costs: of a layer, in a table, and of a route."""

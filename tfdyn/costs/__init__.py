"""Costs of layers and routes: MACs, parameters and milliseconds."""

"""From a network to a graph: gates, constants and the TFLite file."""

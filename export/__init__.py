"""From a trained run to a device: the export side of the project.

Nothing is here yet. This package may import `tfdyn`, never the other way round, so
that networks train and evaluate without anything that an exporter needs.
"""

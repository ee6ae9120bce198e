"""From a trained run to a device; imports `tfdyn`, never the other way round."""

import tfdyn  # noqa: F401  for its handling of Ctrl-C while a command starts

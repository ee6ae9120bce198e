"""From a trained run to a device; imports `tfdyn`, never the other way round."""

"""Android: a folder for TFLite's benchmark and for an app."""

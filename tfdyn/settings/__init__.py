"""Settings of a run: dataclasses with a flag for each field."""

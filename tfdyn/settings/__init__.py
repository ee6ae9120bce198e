"""Settings: what decides a run, one flag a field."""

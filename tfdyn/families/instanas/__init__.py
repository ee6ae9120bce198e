"""InstaNAS (instance-aware neural architecture search)."""

"""What an evaluation of a made-up network found, at three thresholds."""

RESULT = {
    "examples": 4.0,
    "accuracy": 0.75,
    "macs_mean": 2_000_000.0,
    "params_mean": 1000.0,
    "macs_std": 10.0,
    "branches_per_connection": 2.0,
    "use": {"cell_0": {"max_pool": 1.0, "skip": 0.25}},
}
CHEAP = {**RESULT, "accuracy": 0.5, "macs_mean": 1_500_000.0}
NUMBERS = {
    "accuracy": 0.5,
    "macs_mean": 1_500_000.0,
    "macs_std": 10.0,
    "params_mean": 1000.0,
    "branches_per_connection": 2.0,
}
RESULTS = [(1.0, RESULT), (0.5, CHEAP), (1.0, RESULT)]

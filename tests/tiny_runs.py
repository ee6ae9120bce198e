"""Finished runs for tests, whose networks were never trained."""

from tiny_settings import tiny_settings

from tfdyn.data.input_format import InputFormat
from tfdyn.families.networks import build_network
from tfdyn.runs.run_folder import RunFolder

STATIC = {"selection": "none", "drop_branch": 0.0}


def untrained_run(folder, input_format: InputFormat, **changes) -> RunFolder:
    """A run of `tiny_settings`."""
    run, settings = RunFolder(folder), tiny_settings(**changes)
    run.start(settings, input_format)
    classes = len(input_format.class_names)
    run.save_model(build_network(settings, input_format.shape, classes))
    return run

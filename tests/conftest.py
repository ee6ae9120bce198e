"""What every test shares: quiet logs, a GPU that others may use too, a fixed seed."""

import os

# Read when TensorFlow is imported, by this process and those that tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")

import keras  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture(autouse=True)
def fixed_seed():
    # The call imports TensorFlow wherever it is installed, and the tests of another
    # backend are to run as if it were not.
    if keras.backend.backend() == "tensorflow":
        keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """The `RunFolder` of a finished tiny training."""
    from tiny_settings import tiny_settings

    from tfdyn.training.trainer import train

    return train(tiny_settings(), tmp_path_factory.mktemp("runs") / "tiny")

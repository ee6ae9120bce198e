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


def tiny_settings(**changes):
    """Settings of a training that takes seconds."""
    from tfdyn.settings.settings import Settings

    settings = {
        "network": "drnet_tiny",
        "num_cells": 1,
        "num_nodes": 1,
        "filters": 4,
        "branches": ("sep_conv_3x3", "skip_connection"),
        "dataset": "digits",
        "flip": False,
        "batch_size": 128,
        "pretrain_epochs": 1,
        "finetune_epochs": 1,
        "drop_branch": 0.2,
    }
    return Settings(**{**settings, **changes})


def tiny_dmnn_settings(**changes):
    """The same of a DMNN."""
    from tfdyn.settings.settings import Settings

    settings = {
        "network": "dmnn_tiny",
        "dataset": "digits",
        "flip": False,
        "batch_size": 128,
        "pretrain_epochs": 0,
        "finetune_epochs": 1,
        "threshold": 0.5,
    }
    return Settings(**{**settings, **changes})


def tiny_instanas_settings(**changes):
    """The same of an InstaNAS: the shortest search, and an epoch before and after."""
    from tfdyn.settings.settings import Settings

    settings = {
        "network": "instanas_tiny",
        "dataset": "digits",
        "flip": False,
        "batch_size": 128,
        "pretrain_epochs": 1,
        "joint_epochs": 10,
        "finetune_epochs": 1,
        "drop_branch": 0.5,
        "retrain": False,
        "threshold": 0.5,
    }
    return Settings(**{**settings, **changes})


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """The `RunFolder` of a finished tiny training."""
    from tfdyn.train import train

    return train(tiny_settings(), tmp_path_factory.mktemp("runs") / "tiny")

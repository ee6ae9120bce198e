"""Settings of trainings that take seconds."""

import contextlib
from unittest import mock

from tfdyn.data.input_format import InputFormat
from tfdyn.families.dmnn.family import FAMILY as DMNN
from tfdyn.families.instanas.family import FAMILY as INSTANAS
from tfdyn.families.instanas.search_space import FALLBACK, MOBILENETV2, MODULES
from tfdyn.families.settings import Settings
from tfdyn.models.family import TrainingContext

# The search that several tests share.
SEARCH = {"retrain": True, "operating_point": "B", "router_learning_rate": 0.05}
# A connection's branches that are soon compiled, one of them with a weight.
QUICK_BRANCHES = ("max_pool_3x3_norm", "skip_connection")
DMNN_STAGES = [(8, 4, 1, 1), (8, 4, 1, 2)]
INSTANAS_STAGES = [(16, 1, 1)]


def tiny_settings(**changes):
    """Settings of a training that takes seconds."""
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


def context(steps=10, class_names=tuple("abc"), run=None, output=None):
    """The `TrainingContext` of 8x8 images of one channel."""
    input_format = InputFormat(class_names, (8, 8, 1), (0.5,), (0.5,))
    return TrainingContext(steps, input_format, run, output)


@contextlib.contextmanager
def smallest_networks():
    """Makes dmnn_tiny and instanas_tiny smaller still: one cell, or a block a stage.

    Compiling its layers is nearly all that such a training takes.
    """
    dmnn = {"dmnn_tiny": {**DMNN.sizes["dmnn_tiny"], "stages": DMNN_STAGES}}
    instanas = {
        "instanas_tiny": {
            **INSTANAS.sizes["instanas_tiny"],
            "stages": INSTANAS_STAGES,
        }
    }
    with mock.patch.dict(DMNN.sizes, dmnn), mock.patch.dict(INSTANAS.sizes, instanas):
        yield


@contextlib.contextmanager
def two_modules():
    """Gives a cell of InstaNAS two of its five modules, one of each kind.

    A model that is made in here can be loaded in here alone.
    """
    modules = {name: MODULES[name] for name in (MOBILENETV2, FALLBACK)}
    with mock.patch.dict(MODULES, modules, clear=True):
        yield

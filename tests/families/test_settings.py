"""Settings of the network, the data and the training."""

import dataclasses

import pytest

from tfdyn.families.settings import Settings
from tfdyn.settings.flagfiles import from_flagfile, to_flagfile


def test_defaults_are_the_papers():
    settings = Settings()
    assert (settings.pretrain_temperature, settings.threshold) == (3.0, (0.8,))
    annealing = (
        settings.finetune_temperature_start,
        settings.finetune_temperature_end,
    )
    assert annealing == (1.0, 0.5)
    rates = (settings.pretrain_learning_rate, settings.finetune_learning_rate)
    assert rates == (0.025, 0.005)
    assert (settings.drop_connection, settings.drop_branch) == (0.1, 0.7)
    assert (settings.cost_weight, settings.auxiliary_weight) == (0.1, 0.4)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"branches": ("skip_connection", "max_pool_3x3"), "filters": 3, "flip": False},
        {"threshold": (0.5, 1.0), "temperature_decay": 6e-4, "data_dir": "some where"},
    ],
)
def test_a_flagfile_repeats_the_run(tmp_path, changes):
    settings = Settings(**changes)
    path = tmp_path / "flags.txt"
    path.write_text(to_flagfile(settings))
    assert from_flagfile(Settings, path) == settings


def test_steps_are_a_tuple_of_whole_numbers(tmp_path):
    settings = Settings(learning_rate_steps=("100", 150))
    assert settings.learning_rate_steps == (100, 150)
    assert Settings().learning_rate_steps == ()
    path = tmp_path / "flags.txt"
    for each in (settings, Settings()):
        path.write_text(to_flagfile(each))
        assert from_flagfile(Settings, path) == each


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(1, (1.0,)), (0.5, (0.5,)), (("0.5", "1"), (0.5, 1.0)), ([0.3], (0.3,))],
)
def test_threshold_is_a_tuple_of_floats(threshold, expected):
    assert Settings(threshold=threshold).threshold == expected


BAD = {
    "threshold": ["0", "1.1", "-0.5", "nan", "half", "0.5,2", ""],
    "pretrain_temperature": ["0", "-1", "nan"],
    "finetune_temperature_start": ["0"],
    "finetune_temperature_end": ["0"],
    "learning_rate_decay": ["0"],
    "drop_connection": ["-0.1", "1"],
    "drop_branch": ["-0.1", "1"],
    "finetune_drop_branch": ["-0.1", "1"],
    "label_smoothing": ["-0.1", "1"],
    "momentum": ["-0.1", "1"],
    "pretrain_learning_rate": ["-0.1"],
    "finetune_learning_rate": ["-0.1"],
    "weight_decay": ["-0.1"],
    "gradient_clip": ["0", "-1", "inf"],
    "router_learning_rate_factor": ["-0.1", "nan"],
    "drop_schedule": ["falling"],
    "color_jitter": ["0.4"],
    "auxiliary_weight": ["-0.1"],
    "temperature_decay": ["-0.1"],
    "cost_weight": ["-0.1", "nan", "much"],
    "sub_blocks": ["0", "17", "two"],
    "router_units": ["0"],
    "target_rate": ["0", "-0.1", "1.1", "nan"],
    "target_rate_start": ["0", "1.1"],
    "alpha": ["0.4", "1.1", "nan"],
    "reward_right": ["0", "-1"],
    "reward_wrong": ["1"],
    "entropy": ["kept"],
    "entropy_weight": ["-0.1"],
    "upper_bound_start": ["0"],
    "upper_bound_end": ["-1"],
    "lower_bound": ["none"],
    "router_learning_rate": ["-0.1"],
    "meta_graph_learning_rate": ["-0.1"],
    "meta_graph_schedule": ["step"],
    "meta_graph_momentum": ["-0.1", "1"],
    "meta_graph_weight_decay": ["-0.1"],
    "joint_epochs": ["8", "11", "-2"],
    "operating_point": ["F"],
    "router": ["small"],
    "learning_rate_steps": ["0", "5,5", "7,3", "1.5", "late"],
    "seed": ["-1", "1.5", "4294967296"],
    "cutout": ["-1"],
    "pretrain_epochs": ["-1"],
    "finetune_epochs": ["-1"],
    "batch_size": ["0", "-1", "few"],
    "dataset": ["mnist"],
    "crop": ["yes"],
    "autoaugment": ["svhn"],
    "selection": ["argmax"],
    "learning_rate_schedule": ["cosin"],
    "temperature_schedule": ["step"],
    "cost_form": ["sqrt"],
    "cost_unit": ["ms"],
    "dtype_policy": ["float8"],
    "num_cells": ["five"],
    "flip": ["perhaps"],
    "num_cell": ["5"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in BAD for value in BAD[name]]
)
def test_a_bad_flag_is_refused_by_its_name(tmp_path, name, value):
    path = tmp_path / "bad.flags"
    path.write_text(f"--{name}={value}\n")
    with pytest.raises(ValueError, match=f"-{name}\\b|flag '{name}'"):
        from_flagfile(Settings, path)


@pytest.mark.parametrize(
    "name",
    [field.name for field in dataclasses.fields(Settings) if field.metadata["choices"]],
)
def test_an_unknown_choice_is_refused_in_python_too(name):
    with pytest.raises(ValueError, match=f"--{name} is one of .*; got 'other'"):
        Settings(**{name: "other"})


def test_a_training_of_no_epochs_is_refused():
    with pytest.raises(ValueError, match="--pretrain_epochs and --finetune_epochs"):
        Settings(pretrain_epochs=0, finetune_epochs=0)
    assert Settings(pretrain_epochs=0).finetune_epochs
    assert Settings(pretrain_epochs=0, finetune_epochs=0, joint_epochs=10)

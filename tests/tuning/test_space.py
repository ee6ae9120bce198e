import pytest
from paths import ROOT
from tiny_settings import tiny_settings

from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.settings.flagfiles import from_flagfile
from tfdyn.tuning.space import Space

SPACES = {"drnet": "drnet_tiny", "dmnn": "dmnn_tiny", "instanas": "instanas_tiny"}
SPACES["dmnn_xs"] = "dmnn_xs"


def load(tmp_path, text, settings=None):
    (tmp_path / "a.space").write_text(text)
    return Space.load(tmp_path / "a.space", settings or tiny_settings())


@pytest.mark.parametrize("name", SPACES)
def test_each_family_has_a_space(name):
    settings = from_flagfile(Settings, ROOT / f"configs/{SPACES[name]}.flags")
    space = Space.load(ROOT / f"configs/spaces/{name}.space", settings)
    names = [each.name for each in space.hyperparameters().space]
    assert names == [*space.dimensions] and len(names) > 2


def test_lines_are_ranges_and_choices(tmp_path):
    space = load(
        tmp_path,
        "\ufeffcost_weight: log 0.01 1  # lambda\n\n"
        "finetune_temperature_end: 0.3 1\nfilters: 12 16 20\nbatch_size: log 8 128\n"
        "num_cells: choice 1 3\nnesterov: true false\nbranches: sep_conv_3x3 "
        "sep_conv_3x3,skip_connection\nlearning_rate_schedule: cosine constant\n",
    )
    assert str(space).splitlines()[:3] == [
        "cost_weight: log 0.01 1.0",
        "finetune_temperature_end: 0.3 1.0",
        "filters: choice 12 16 20",
    ]
    hyperparameters = {each.name: each for each in space.hyperparameters().space}
    assert hyperparameters["cost_weight"].sampling == "log"
    assert hyperparameters["batch_size"].prob_to_value(0.999999) == 128
    assert hyperparameters["num_cells"].values == [1, 3]
    values = {name: each.default for name, each in hyperparameters.items()}
    values |= {"cost_weight": 0.123456, "branches": "sep_conv_3x3,skip_connection"}
    assert space.values(values | {"tuner/epochs": 3}) == {
        "cost_weight": 0.1235,
        "finetune_temperature_end": 0.3,
        "filters": 12,
        "batch_size": 8,
        "num_cells": 1,
        "nesterov": True,
        "branches": ("sep_conv_3x3", "skip_connection"),
        "learning_rate_schedule": "cosine",
    }
    # Rounding leaves no range.
    values["finetune_temperature_end"] = 0.2999999
    assert space.values(values)["finetune_temperature_end"] == 0.3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "cost_wieght: 0 1",
            "line 1: 'cost_wieght' is no setting; did you mean cost_w",
        ),
        ("cost_weight: 1 0.1", "the range from 1.0 to 0.1 is empty"),
        ("cost_weight: 1", "two different values"),
        ("filters: 4 4 4", "two different values"),
        ("cost_weight: log 0 1", "begins above 0, not at 0.0"),
        ("cost_weight: 0.1, 0.9", "'0.1, 0.9' has a value that this setting cannot"),
        ("codebook: choice a.json b.json", "codebook: there is no a.json"),
        ("cost_weight: log 1 2 3", "no range of numbers"),
        ("cost_weight: -1 1", "--cost_weight must be at least 0; got -1"),
        ("filters: 0 8", "--filters must be from 1 to 4096; got 0"),
        ("filters: 1.5 8", "filters"),
        ("cost_weight: low high", "cost_weight"),
        ("cost_form: log", "cost_form"),
        ("drop_schedule: ramp steep", "steep"),
        ("target_rate: 0.3 0.5", "--target_rate is a setting of DMNN"),
        ("threshold: 0.5 0.8", "at all --thresholds"),
        ("dataset: digits cifar10", "same images"),
        ("cost_weight 0 1", "has no colon"),
        ("# nothing", "names no setting"),
        ("cost_weight: 0 1\ncost_weight: 0 2", "line 2: cost_weight has two lines"),
        ("learning_rate_decay: 0.5 0.9", "--learning_rate_schedule=cosine has no"),
    ],
)
def test_what_is_no_space_is_refused_in_a_line(line, message, tmp_path):
    with pytest.raises(UserError, match="a.space") as error:
        load(tmp_path, line)
    assert message in str(error.value) and "\n" not in str(error.value)

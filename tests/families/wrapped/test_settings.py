"""Settings of a user's model: what they build, and which do not fit together."""

import numpy as np
import pytest
import tiny_wrapped

from tfdyn.errors import UserError
from tfdyn.families.networks import build_network, check_settings, family_of, networks
from tfdyn.families.settings import Settings
from tfdyn.families.wrapped.exits import Exit
from tfdyn.families.wrapped.wrapped import Wrapped
from tfdyn.settings.flagfiles import from_flagfile, to_flagfile

GRAY = tiny_wrapped.GRAY


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "mine.keras"
    tiny_wrapped.residual(GRAY).save(path)
    return str(path)


def settings(file, **changes):
    common = {"network": "wrapped", "dataset": "digits", "model": file}
    return Settings(**{**common, "exit_filters": 4, **changes})


def build(file, **changes):
    return build_network(settings(file, **changes), GRAY, 10)


def exits(model):
    return [link.name for link in model.chain if isinstance(link, Exit)][:-1]


def test_settings_reach_the_model(file):
    changes = {"previous_state": False, "normalized_routers": True, "seed": 6}
    changes |= {"selection": "softmax", "routers": "image"}
    common = {"threshold": (0.7,), "exits": ("1",), "router_units": 4}
    model = build(file, **changes, **common)
    config = model.get_config()
    assert {name: config[name] for name in changes} == changes
    assert config["threshold"] == 0.7 and config["units"] == 4 and config["teacher"]
    assert isinstance(model, Wrapped) and model.name == "wrapped"
    assert [block.name for block in model.residual_blocks] == ["one", "two", "three"]
    (head,) = (link.head for link in model.chain if link.name == exits(model)[0])
    assert head.filters == 4


def test_it_starts_with_the_weights_of_the_file(file):
    model = build(file, exits=("one",), blocks=("three",))
    images = tiny_wrapped.images(GRAY)
    expected = tiny_wrapped.residual(GRAY)(images)
    outputs = model(images, threshold=1.0)["logits"]
    np.testing.assert_array_equal(outputs, expected)
    np.testing.assert_array_equal(model.teacher(images), expected)
    assert [block.name for block in model.residual_blocks] == ["three"]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"exits": ("one", "two")}, ["exit_one", "exit_two"]),
        ({"exits": ("3",)}, ["exit_one", "exit_two", "exit_three"]),
        ({}, []),
        ({"exits": ("two",), "blocks": ("none",)}, ["exit_two"]),
    ],
)
def test_exits_are_names_or_a_number(file, changes, names):
    model = build(file, **changes)
    assert exits(model) == names
    blocks = [] if "blocks" in changes else ["one", "two", "three"]
    assert [block.name for block in model.residual_blocks] == blocks


@pytest.mark.parametrize(
    ("changes", "teacher"),
    [
        ({}, True),
        ({"distil": 0.0}, False),
        ({"selection": "none", "exits": ("one",), "finetune_epochs": 0}, False),
        ({"selection": "none", "exits": ("one",), "finetune_epochs": 2}, True),
    ],
)
def test_a_teacher_where_the_end_may_differ_from_the_original(file, changes, teacher):
    model = build(file, **changes)
    assert bool(model.teacher) == teacher
    # Without routers all blocks run; they are no parts.
    if changes.get("selection") == "none":
        assert not model.residual_blocks and not model.routers


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": None}, "--model is missing: the .keras file"),
        ({"blocks": ("four",)}, "four is not a block that can be skipped. There are"),
        ({"exits": ("four",)}, "No exit can stand behind 'four'"),
        ({"exits": ("9",)}, "There are 3 places for exits, not 9"),
        ({"blocks": ("none",)}, "There is nothing to skip"),
        ({"selection": "none"}, "--selection=none without --exits leaves nothing to"),
        ({"filters": 7}, "--filters is a setting of DRNet"),
        (
            {"selection": "none", "exits": ("1",), "target_rate": 0.3},
            "--selection=none, without routers, has no --target_rate",
        ),
        ({"preprocessing": "caffe"}, "--preprocessing=caffe is for images of three co"),
    ],
)
def test_settings_that_cannot_be(file, changes, says):
    with pytest.raises(UserError) as error:
        build(file, **changes)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("preprocessing", "mobile"),
        ("routers", "all"),
        ("exit_filters", -1),
        ("distil", 1.5),
    ],
)
def test_values_out_of_range(file, name, value):
    with pytest.raises(UserError, match=f"--{name}|{name}"):
        settings(file, **{name: value})


def test_its_settings_are_those_of_no_other_network():
    with pytest.raises(UserError, match="--exits is a setting of Wrapped, and --netwo"):
        build_network(Settings(network="drnet_tiny", exits=("1",)), GRAY, 10)


def test_without_routers_t_is_read_by_exits(file):
    model = build(file, selection="none", exits=("one",), threshold=(0.6,))
    assert model.threshold == 0.6


def test_a_flagfile_repeats_the_settings(file, tmp_path):
    some = settings(file, exits=("one", "two"), blocks=("none",), distil=0.25)
    (tmp_path / "flags.txt").write_text(to_flagfile(some))
    assert from_flagfile(Settings, tmp_path / "flags.txt") == some


def test_it_is_no_network_that_a_name_builds():
    assert "wrapped" not in networks() and family_of("wrapped").model is Wrapped


def test_a_codebook_of_a_wrapped_model_reads_what_says_which_network_it_is(file):
    common = {"codebook": "routes.json", "init_from": "run", "preprocessing": "unit"}
    check_settings(settings(file, blocks=("one",), exits=("two",), **common))
    with pytest.raises(UserError, match="from a file, has no --routers"):
        check_settings(settings(file, routers="image", **common))

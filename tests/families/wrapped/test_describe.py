"""Descriptions: what may be skipped, where exits may stand, and why not."""

import dataclasses
import json

import keras
import pytest
import tiny_wrapped
from keras import layers

import tfdyn
from tfdyn.costs import complexity
from tfdyn.errors import UserError
from tfdyn.families.wrapped.describe import describe
from tfdyn.families.wrapped.wrapping import wrap


def links_of(model):
    return {link["name"]: link for link in describe(model).links}


def test_it_counts_what_the_wrapped_model_can_skip():
    model = tiny_wrapped.residual()
    description = describe(model)
    assert description.name == "original"
    assert description.macs == complexity.macs(model, (1, *tiny_wrapped.RGB))
    wrapped = wrap(model, units=4)
    branches = wrapped.route_cost.branches
    assert description.skippable == sum(cost.sum() for cost in branches.values())
    links = {link["name"]: link for link in description.links}
    for name, cost in branches.items():
        assert links[name]["skippable_macs"] == cost.sum() > 0
        assert links[name]["exit"] and links[name]["reason"] == ""
    assert links["two"]["macs"] > links["two"]["skippable_macs"]  # Its shortcut runs.
    assert links["two"]["shape"] == [4, 4, 6] and links["two"]["layers"] == 9
    assert sum(link["macs"] for link in description.links) == description.macs
    assert json.loads(json.dumps(dataclasses.asdict(description)))["macs"] > 0


def test_its_text_is_a_table():
    text = str(describe(tiny_wrapped.residual()))
    first, empty, head, *rows = text.splitlines()
    macs = describe(tiny_wrapped.residual()).macs
    assert first.startswith(
        f"original: {macs:,} MACs an image; 3 blocks may be skipped"
    )
    assert empty == "" and head.split() == [
        "name",
        "output",
        "layers",
        "MACs",
        "skippable",
        "exit",
        *"why not skippable".split(),
    ]
    (row,) = (row for row in rows if row.startswith("three "))
    assert row.split()[1] == "4x4x6" and row.rstrip().endswith("yes")


def test_neighbours_without_a_choice_are_one_row():
    links = describe(tiny_wrapped.residual()).links
    assert [link["name"] for link in links] == [
        "stem",
        "one",
        "two",
        "three",
        "classes",
    ]
    # An activation belongs to its block.
    assert [link["layers"] for link in links] == [3, 7, 9, 7, 2]


def test_it_says_why_a_link_is_no_block():
    links = links_of(tiny_wrapped.dense_net())
    assert links["one"]["reason"] == "ends with Concatenate, not with a sum"
    assert links["one"]["exit"] and not links["one"]["skippable_macs"]
    assert "0 blocks may be skipped" in str(describe(tiny_wrapped.dense_net()))


def test_what_is_no_classifier_is_not_described():
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2, "sigmoid")]
    )
    with pytest.raises(UserError, match="activation sigmoid: only logits"):
        describe(model)


def test_it_is_the_function_of_the_package():
    assert tfdyn.describe is describe

"""The worth of a router, on a made-up network of which all is known by hand."""

import copy
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.evaluation import worth_report
from tfdyn.evaluation.passes import Passes
from tfdyn.evaluation.router_worth import RouterWorth, StaticFrontier
from tfdyn.layers.modules import Module
from tfdyn.routing.route import RouteSpec

COUNT = 400


def dense(inputs, units):
    layer = keras.layers.Dense(units, use_bias=False)
    layer.build((None, inputs))
    return layer


class MadeUp:
    """A network of two branches, of which the router chooses one.

    An image is two numbers: its class, 0 or 1, and whether it is hard. `cheap` (10
    MACs) is right for easy images, `dear` (50 MACs) for three of four images, whether
    easy or hard; the third number is whether it is one of the three. A router of 5 MACs
    sends easy images to `cheap` and hard ones to `dear`. With both branches, `dear`
    decides.
    """

    name, threshold, mixed_ops = "made_up", 0.5, [None]
    route_spec = RouteSpec({"op": ("cheap", "dear")}, (1,), binary=True)

    def __init__(self, router=lambda images: images[:, 1]):
        self.modules = [
            Module("router", "router", dense(1, 5)),
            Module("op/cheap", "branch", dense(1, 10), "op"),
            Module("op/dear", "branch", dense(1, 50), "op"),
        ]
        self.route_cost = RouteCost(self.modules, CostTable.count(self.modules))
        self.router = router

    def __call__(self, images, threshold=0.5, route=None, training=False):
        if route is None:
            hard = self.router(images)
            route = tf.stack([1 - hard, hard], axis=-1)
            route = {"op": tf.where(threshold[0] >= 1, tf.ones_like(route), route)}
        dear = route["op"][:, 1] > 0
        right = tf.where(dear, images[:, 2] > 0, images[:, 1] < 1)
        wanted = tf.where(right, images[:, 0], 1 - images[:, 0])
        sure = tf.where(images[:, 1] > 0, 1.0, 9.0)
        logits = sure[:, None] * tf.one_hot(tf.cast(wanted, tf.int32), 2)
        return {"logits": logits, "route": route}


def images(hard_is_class=False):
    index = np.arange(COUNT)
    classes, hard = index % 2, index // 2 % 2
    columns = (classes, classes if hard_is_class else hard, index // 4 % 4 > 0)
    return np.stack(columns, -1).astype("float32"), classes


def worth(model, **options):
    x, y = images(**options)

    def batches(split):
        yield x[:150], y[:150]
        yield x[150:], y[150:]

    return RouterWorth(model, None, Passes(model, None, batches))


@pytest.fixture(scope="module")
def result():
    measured = worth(MadeUp())
    static = measured.find_static_routes([0.5], most=10)
    return static, measured.at(0.5, static)


def test_the_best_fixed_routes_are_known(result):
    static, _ = result
    content = static.content(MadeUp.route_spec)
    assert content["tried"] == content["possible"] == 3
    kept = {row["route"]: (row["accuracy"], row["cost"]) for row in content["frontier"]}
    # Both branches are no better than `dear`, and cost more.
    assert kept == {"10": (0.5, 10), "01": (0.75, 50)}
    # `cheap` for the easy half; for the others `dear`, right for three of four. The
    # rest takes the cheapest.
    assert content["oracle"]["accuracy"] == pytest.approx(1 - 0.5 / 4)
    cost = 0.5 * 10 + 0.5 * (0.75 * 50 + 0.25 * 10)
    assert content["oracle"]["cost"] == pytest.approx(cost)


def test_own_routes_stand_beside_others(result):
    _, at = result
    rows = at["rows"]
    assert rows["own"]["accuracy"] == pytest.approx(0.5 + 0.5 * 0.75)
    assert rows["own"]["cost"] == 5 + 30
    # The mixture costs as much as the router's routes with the router.
    share = (35 - 10) / 40
    assert rows["best static"]["cost"] == pytest.approx(35)
    expected = share * 0.75 + (1 - share) * 0.5
    assert rows["best static"]["accuracy"] == pytest.approx(expected)
    assert at["over_static"]["gain"] == pytest.approx(0.875 - expected)
    # A route at random is right for 1/2 by `cheap`, for 3/4 by `dear`.
    assert rows["others'"]["accuracy"] == pytest.approx(0.625, abs=0.05)
    assert rows["others'"]["cost"] == 35
    assert at["over_others"]["gain"] > 0.15
    assert 0 < at["over_others"]["standard_error"] < 0.05
    assert rows["random"]["cost"] == pytest.approx(35, rel=0.05)
    assert rows["most frequent"]["accuracy"] in (0.5, 0.75)


def test_what_the_routes_depend_on(result):
    _, at = result
    assert at["routes_in_use"] == 2 and at["most_frequent_share"] == 0.5
    assert at["cost_spread"] == pytest.approx(20 / 35)
    assert at["information"] == pytest.approx(0)
    assert (at["cost_easy"], at["cost_hard"]) == (15, 55)


def test_a_router_that_sees_the_class_alone_has_one_bit():
    measured = worth(MadeUp(), hard_is_class=True)
    at = measured.at(0.5, measured.find_static_routes([0.5], 10))
    assert at["information"] == pytest.approx(1)
    assert at["information_by_chance"] < 0.02


def test_a_router_that_ignores_the_image_is_worth_less_than_nothing():
    measured = worth(MadeUp(lambda images: tf.zeros_like(images[:, 1])))
    at = measured.at(0.5, measured.find_static_routes([0.5], 10))
    assert at["rows"]["own"]["accuracy"] == 0.5 == at["rows"]["others'"]["accuracy"]
    assert at["over_others"] == {"gain": 0, "standard_error": 0}
    # For what the router costs, `dear` could run for an eighth of the images.
    assert at["over_static"]["gain"] == pytest.approx(-0.25 / 8)
    assert at["cost_spread"] == 0 and at["routes_in_use"] == 1


@pytest.fixture
def content(result):
    static, at = result
    return {
        "dataset": "made_up",
        "examples": COUNT,
        "unit": "macs",
        "static": static.content(MadeUp.route_spec),
        "thresholds": [at],
        "static_twin": {"accuracy": 0.8, "cost": 40.0},
    }


def test_as_people_read_it(content, tmp_path):
    json.dumps(content)
    text = worth_report.table(content, "runs/made_up")
    row = next(line for line in text.splitlines() if line.startswith("own  "))
    assert row.split() == ["own", "87.50", "%", "35"]
    assert "T=0.5          accuracy  MACs an image\n" in text
    for words in (
        "own - best static: +21.88 points",
        "static twin",
        "own and others' pay",
    ):
        assert words in text
    assert text.endswith("3 of 3 fixed routes tried")
    mean = worth_report.mean_of([content, content])
    assert mean["thresholds"][0]["rows"]["own"]["accuracy"] == {"mean": 0.875, "std": 0}
    assert "87.50 ± 0.00 %" in worth_report.table(mean, "two runs")
    worth_report.plot(tmp_path / "plot.png", content, "made up")
    assert (tmp_path / "plot.png").stat().st_size > 5000


def test_a_number_of_routes_is_exact_in_json_and_short_for_people(content):
    spec = RouteSpec({f"op_{i}": tuple("abcde") for i in range(12)}, (1,) * 12)
    none = np.zeros((1, spec.size), bool)
    ones = np.ones(1)
    frontier = StaticFrontier(none, ones, ones, np.ones((1, 4), bool), 24, 24)
    static = frontier.content(spec)
    assert json.loads(json.dumps(static))["possible"] == 31**12
    text = worth_report.table(content | {"static": static}, "a")
    assert "24 of 7.9e17 fixed routes tried; --routes ended the search" in text
    # Fewer than allowed, and fewer than there are: it says why.
    text = worth_report.table(content | {"static": static | {"limit": 25}}, "a")
    assert "tried; none is left that differs in one branch" in text


def test_costs_that_are_not_those_of_own_are_named(content):
    at = copy.deepcopy(content["thresholds"][0])
    at["rows"]["most frequent"]["cost"] = 35.2
    assert not any("equal cost" in text for text in worth_report.sentences(at))
    at["rows"]["best static"]["cost"] = 28.0
    expected = "best static costs 20 % less than own: the gain over it is not at "
    expected += "equal cost"
    assert expected in worth_report.sentences(at)
    contents = [content | {"thresholds": [at]}] * 2
    text = worth_report.table(worth_report.mean_of(contents), "two runs")
    assert expected in text and text.endswith("3 of 3 fixed routes tried")


def test_a_standard_deviation_has_no_sign(content):
    other = copy.deepcopy(content)
    other["thresholds"][0]["over_static"]["gain"] += 0.02
    text = worth_report.table(worth_report.mean_of([content, other]), "two runs")
    assert "own - best static: +22.88 ± 1.41 points" in text


def test_a_number_that_one_run_lacks_has_no_mean(content):
    other = copy.deepcopy(content)
    other["thresholds"][0]["cost_wrong"] = None
    mean = worth_report.mean_of([content, other])
    assert mean["thresholds"][0]["cost_wrong"] is None

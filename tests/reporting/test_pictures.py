"""The pictures of a report: what they say is what their numbers are."""

import numpy as np
import pytest

from tfdyn.reporting.accuracy_by_cost import accuracy_by_cost
from tfdyn.reporting.costs_by_threshold import costs_by_threshold
from tfdyn.reporting.costs_of_images import cost_by_certainty, cost_histogram
from tfdyn.reporting.examples import choose_examples, to_png
from tfdyn.reporting.learning_curves import learning_curves
from tfdyn.reporting.route_flow import route_flow
from tfdyn.reporting.route_map import route_maps
from tfdyn.reporting.route_places import examples_on_map, place_routes
from tfdyn.reporting.routes_in_use import routes_in_use
from tfdyn.reporting.use_by_group import use_by_group
from tfdyn.routing.route import RouteSpec

SPEC = RouteSpec({"a": ("x", "y"), "b": ("x", "y", "z")}, (1, 1))
# Two in four images run x in a; all run z in b.
ROUTES = np.array([[1, 0, 0, 0, 1]] * 2 + [[0, 0.5, 0, 0, 1]] * 2, "float32")
RUNS = ROUTES != 0


def drawn(picture, folder):
    picture.draw(folder / "picture.png")
    return (folder / "picture.png").stat().st_size > 2000


def test_learning_curves_have_what_the_table_has(tmp_path):
    rows = [
        {"epoch": "1", "stage": "pretrain", "loss": "2.0", "use_x": "", "accuracy": ""},
        {
            "epoch": "2",
            "stage": "finetune",
            "loss": "1.5",
            "use_x": "1",
            "accuracy": "",
        },
    ]
    loss, use = learning_curves(rows)
    assert "2 at first, 1.5 at the end" in loss.text and loss.name == "learning_loss"
    assert "x: 1 at first" in use.text
    assert drawn(loss, tmp_path)


def test_accuracy_stands_beside_its_cost(tmp_path):
    row = {"threshold": 0.5, "accuracy": 0.9, "macs_mean": 2e6, "ms_mean": 0.25}
    full = {"accuracy": 0.95, "macs": 4e6}
    content = {"routed": [row], "all_branches": full}
    runs, peers = (
        {"run": content},
        {"$peer": {"routed": [{**row, "threshold": 1.0}], "all_branches": full}},
    )
    worth = {"unit": "ms", "static": {"frontier": [{"cost": 0.1, "accuracy": 0.8}]}}
    macs, ms = accuracy_by_cost(runs, peers, {"run": worth})
    assert (
        "run: T=0.5 90.00 % at 2.00 M MACs, T=1 95.00 % at 4.00 M MACs. $peer"
        in macs.text
    )
    assert "best fixed routes: 80.00 % at 0.1 ms" in ms.text
    assert drawn(ms, tmp_path)


def test_use_by_class_shows_the_branches_that_differ(tmp_path):
    labels = np.array([0, 0, 1, 1])
    picture = use_by_group("class", ["cat", "dog"], labels, RUNS, SPEC)
    assert "a x: 0.0 % for dog, 100.0 % for cat" in picture.text
    assert "3 others are left out" in picture.title
    assert drawn(picture, tmp_path)
    assert use_by_group("class", ["cat"], labels * 0, RUNS, SPEC) is None


def test_a_flow_is_where_routes_part(tmp_path):
    picture = route_flow(RUNS, SPEC)
    assert "at 1 of 2 connections" in picture.title
    assert "50.0 %" in picture.text and "a: " in picture.text
    assert drawn(picture, tmp_path)
    assert route_flow(RUNS[:2], SPEC) is None


def test_costs_are_spread_and_ordered_by_certainty(tmp_path):
    costs = np.array([1e6, 3e6, 2e6, 2e6])
    picture = cost_histogram(costs, 4e6, "macs")
    assert "Mean 2.00 M MACs" in picture.text and "at T=1 4.00 M" in picture.text
    assert drawn(picture, tmp_path)
    picture = cost_by_certainty(costs, np.array([0.9, 0.1, 0.5, 0.6]), "macs")
    assert "3.00 M MACs, 2.00 M MACs, 2.00 M MACs, 1.00 M MACs" in picture.text


def test_costs_are_spread_at_each_threshold(tmp_path):
    def row(threshold, mean):
        quantiles = [mean - 2e5, mean - 1e5, mean, mean + 1e5, mean + 3e5]
        macs = {"macs_mean": mean, "macs_quantiles": quantiles}
        return {"threshold": threshold, **macs}

    rows = [row(1.0, 4e6), row(0.5, 1e6), row([0.5, 0.7], 2e6)]
    (picture,) = costs_by_threshold({"routed": [*rows, rows[0]]})
    assert (
        "T=0.5 800.00 k MACs to 1.30 M MACs, median 1.00 M MACs; own thresholds 1.80 M"
        in picture.text
    )
    assert picture.text.count("T=1 ") == 1
    assert drawn(picture, tmp_path)
    old = {"threshold": 1.0, "macs_mean": 4e6}
    assert costs_by_threshold({"routed": [old]}) == []


def test_examples_are_the_ends():
    costs = np.array([2.0, 1.0, 3.0, 1.0])
    cheap, expensive, sure, unsure = choose_examples(
        costs, np.array([0.4, 0.5, 0.6, 0.7])
    ).values()
    assert cheap[0] == 3 and expensive[0] == 2 and sure[0] == 3 and unsure[0] == 0
    assert to_png(np.zeros((300, 200, 4), "uint8")).startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("with_umap", [True, False])
def test_alike_routes_lie_near_each_other(tmp_path, monkeypatch, with_umap):
    if not with_umap:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    random = np.random.default_rng(0)
    halves = np.repeat([[1, 0], [0, 1]], 12, axis=0).repeat(20, axis=1)
    routes = np.where(random.random(halves.shape) < 0.03, 1 - halves, halves)
    in_use = routes_in_use(routes, np.arange(24.0), np.repeat([0, 1], 12))
    assert in_use.counts.sum() == 24
    places, method = place_routes(in_use.sets)
    assert method == ("UMAP" if with_umap else "t-SNE")
    first, second = (places[in_use.classes == index] for index in (0, 1))
    apart = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert apart > 2 * np.linalg.norm(first - first.mean(axis=0), axis=1).mean()
    shown = examples_on_map(places, in_use)
    assert len(shown) == 16 and shown[0] == in_use.of_image.tolist().index(0)
    pixels = {0: np.zeros((8, 8, 1), "uint8")}
    for picture in route_maps(places, method, in_use, ("$cat", "dog"), "ms", pixels):
        assert drawn(picture, tmp_path)

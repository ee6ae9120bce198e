"""The file of a codebook."""

import json

import numpy as np
import pytest

from tfdyn.families.codebook import routes_file
from tfdyn.routing.route import RouteSpec

SPEC = RouteSpec({"a": ("x", "y"), "b": ("x", "y")}, (1, 0))
ROUTES = np.asarray([[0.25, 0.75, 0, 0], [1, 0, 0, 1]], "float32")


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "codebook.json"
    routes_file.save(path, ROUTES, [0.25, 1.0], SPEC, "dmnn_xs")
    routes, costs = routes_file.load(path, SPEC, "dmnn_xs")
    np.testing.assert_array_equal(routes, ROUTES)
    assert costs.tolist() == [0.25, 1.0]
    assert routes_file.is_ours(path.read_text())


def entry(cost, *route):
    return {"cost": cost, "route": dict(zip("abc", route, strict=False))}


GOOD, BEST = entry(0.5, [1, 0], [0, 0]), entry(1, [1, 0], [1, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "codebook.json"),
        ({}, "is not a codebook: it needs a list of `routes`"),
        ({"routes": 3}, "is not a codebook: it needs a list"),
        ({"routes": [3]}, "is not a codebook: its route 1 lacks"),
        ({"routes": [GOOD, {"cost": 1}]}, "is not a codebook: its route 2 lacks"),
        ({"routes": [GOOD, {"cost": "x", "route": {}}]}, "is not a codebook"),
        ({"routes": [GOOD, {"cost": None, "route": {}}]}, "is not a codebook"),
        ({"routes": [GOOD, {"cost": 1, "route": 3}]}, "is not a codebook"),
        (
            {"routes": [GOOD, entry(1, [1, 0])]},
            "Route 2 of .* is not a route of this network: it lacks b",
        ),
        (
            {"routes": [GOOD, entry(1, [1, 0], [1])]},
            'b needs 2 weights, of x, y. Expected .*{"a": .1, 0., …}',
        ),
        ({"routes": [GOOD, entry(1, [1, 0], ["1", 0])]}, "is not a list of numbers"),
        ({"routes": [GOOD, entry(1, [0, 0], [1, 0])]}, "a must run 1 or more"),
        ({"routes": [GOOD, entry(1, [2, 0], [1, 0])]}, "weights from 0 to 1"),
        (
            {"routes": [GOOD, entry(1, [1, 0], [1, 1], [1, 1])]},
            "of another network: its route 2 names 'c', which dmnn_xs does not",
        ),
        (
            {"network": "dmnn_s", "routes": [GOOD, BEST]},
            "of the network dmnn_s, and .* Pass --network=dmnn_s",
        ),
        ({"network": None, "routes": [GOOD, BEST]}, "and the name of their `network`"),
        ({"routes": [GOOD, entry(10**400, [1, 0], [1, 1])]}, "is not a codebook"),
    ],
)
def test_refuses(tmp_path, content, message):
    path = tmp_path / "codebook.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message) as error:
        routes_file.load(path, SPEC, "dmnn_xs")
    assert "codebook.json" in str(error.value) and "\n" not in str(error.value)


def test_a_file_without_the_name_of_its_network_is_loaded(tmp_path):
    path = tmp_path / "codebook.json"
    path.write_text(json.dumps({"routes": [GOOD, BEST]}))
    routes, _ = routes_file.load(path, SPEC, "dmnn_xs")
    assert routes.tolist() == [[1, 0, 0, 0], [1, 0, 1, 1]]
    assert routes_file.is_ours(path.read_text())


def test_a_codebook_without_routes_is_left_to_the_class(tmp_path):
    path = tmp_path / "codebook.json"
    path.write_text('{"routes": []}')
    routes, costs = routes_file.load(path, SPEC, "dmnn_xs")
    assert routes.shape == (0, 4) and costs.shape == (0,)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"routes": []}', '{"a": 1, "routes": []}', '"routes"', "{\x00"]
)
def test_other_files_are_not_ours(text):
    assert not routes_file.is_ours(text)

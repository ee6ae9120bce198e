"""Cases of the file of a codebook: none at all, broken ones, and wrong routes."""

import json

from hostile.broken_files import ANY, JSON, NEW, PATHS, TEXT, missing
from hostile.case import Case
from hostile.json_values import DELETED, NUMBERS, change

NAME = "codebook.json"
COMMAND = (*NEW, "--drop_branch=0.7", f"--codebook={NAME}")
ROUTE = ("routes", 0, "route")
VALUES = [
    (("routes",), (DELETED, [], {}, None, "x", 5, [5], [[]], [None])),
    (("routes", 0), (5, None, [], "x", {})),
    (("routes", 0, "cost"), (DELETED, *NUMBERS, 0, 1, 2, 1e300)),
    (("routes", 1, "cost"), (0.4, 0.5, 0.9, 2)),
    (("network",), (DELETED, "dmnn_tiny", 5, None, [], {})),
    (ROUTE, (DELETED, [], {}, 5, "x", None)),
    ((*ROUTE, "FIRST"), (DELETED, [], [0, 0], [1], [1, 1, 1], "x", 5, None, {})),
    ((*ROUTE, "FIRST"), ([-1, 1], [2, 0], ["a", 1], [float("nan"), 1], [[1], [1]])),
    ((*ROUTE, "FIRST"), ([10**400, 1], [True, True], [1e-60, 0])),
    ((*ROUTE, "another"), ([1, 1], 5, None)),
]


def no_json(path):
    path.write_text(path.read_text().replace('"', "'"))


def of_another_network(path):
    routes = [{"cost": 1, "route": {"stage_0_block_0_sub_blocks": [1, 0]}}]
    path.write_text(json.dumps({"routes": routes}))


def a_route_alone(path):
    path.write_text(json.dumps(json.loads(path.read_text())["routes"][0]["route"]))


def the_same_route(path):
    content = json.loads(path.read_text())
    content["routes"][0]["route"] = content["routes"][1]["route"]
    path.write_text(json.dumps(content))


def in_turn(path):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({"routes": content["routes"][::-1]}))


def ten_thousand(path):
    names = json.loads(path.read_text())["routes"][0]["route"]
    shares = [(index + 1) / 10_000 for index in range(10_000)]
    routes = [
        {"cost": share, "route": {name: [share, 1] for name in names}}
        for share in shares
    ]
    path.write_text(json.dumps({"routes": routes}))


OTHERS = (
    no_json,
    of_another_network,
    a_route_alone,
    the_same_route,
    in_turn,
    ten_thousand,
)


def cases():
    """Yields the cases."""
    for damage in (*OTHERS, missing, *ANY, *PATHS, *TEXT, *JSON):
        yield _case(
            damage.__name__, lambda folder, damage=damage: damage(folder / NAME)
        )
    for path, values in VALUES:
        for value in values:
            shown = "deleted" if value is DELETED else f"{value!r}"[:40]
            name = f"{'.'.join(map(str, path))}={shown}"
            yield _case(name, change(NAME, path, value))


def _case(name, prepare):
    return Case("codebook file", name, COMMAND, (NAME,), ("tiny.flags", NAME), prepare)

"""Cases of JSON files that are well formed, and hold what makes no sense."""

import json

from hostile.broken_files import (
    ANDROID,
    BUDGET,
    CATEGORIES,
    CHECK,
    CLASSIFY,
    EVALUATE,
    FIXED,
    NEW,
    TFLITE,
)
from hostile.case import Case

RUN = ("run",)
DELETED = object()
NUMBERS = (-1, True, "two", None, [], float("nan"), float("inf"), 10**400)
COSTS = (*NUMBERS, {}, 1e300)
TABLE_COMMANDS = (
    (*NEW, "--cost_table=table.json"),
    (*EVALUATE, "--cost_table=table.json"),
)

# File, the commands, and the paths in the file with the values that are refused.
WRONG = [
    (
        "table.json",
        TABLE_COMMANDS,
        [
            (("unit",), (DELETED, "miles", 3, None, [], "MS")),
            (("modules",), (DELETED, [], {}, None, "x", 5)),
            (("modules", "FIRST", "cost"), (DELETED, *COSTS)),
            (("modules", "FIRST"), (5, None, [], "x", {})),
            (("gate", "taken"), (DELETED, *COSTS)),
            (("gate", "not_taken"), (DELETED, -1, "x", float("nan"))),
            (("gate",), (5, "x", [1])),
            (("overflow",), (5, "x", [1], {"above": -1, "factor": 1})),
            (("overflow",), ({"above": 1}, {"above": 1, "factor": float("nan")})),
            (("remainder",), (-1, "two", float("nan"), 10**400, [], True)),
            (("provenance",), ("x", 5, [1])),
        ],
    ),
    (
        "run/latency.host.json",
        (CHECK,),
        [
            (("provenance",), (DELETED, {}, "x", [1], None)),
            (("provenance", "device"), ("x", 5, [])),
            (("provenance", "num_threads"), ("two", -1, 0, 100000, [], 1.5)),
            (("provenance", "routes"), (DELETED, [], "x", 5, [{}], [{"route": []}])),
        ],
    ),
    (
        "run/latency.host.json",
        (BUDGET,),
        [
            (("unit",), ("macs", "params")),
            (("modules", "FIRST", "cost"), (DELETED, -1, "x")),
            (("remainder",), (-0.1, float("nan"))),
        ],
    ),
    (
        "run/input.json",
        (EVALUATE, TFLITE),
        [
            (("class_names",), (DELETED, [], ["a"], "abc", 5, None, list("012345678"))),
            (("class_names",), ([*"012345678", 9], [*"0123456789", "10"], [*"0" * 10])),
            (
                ("shape",),
                (DELETED, [], [8, 8], [8, 8, 3], [0, 8, 1], ["a", 8, 1], None),
            ),
            (("shape",), ([10**9, 10**9, 1], [16, 16, 1], [-8, 8, 1], [8.5, 8, 1], 5)),
            (("mean",), (DELETED, [], ["x"], [float("nan")], [0.1, 0.2], None, 5)),
            (("std",), (DELETED, [], [0], [-1], [float("nan")], [float("inf")], None)),
        ],
    ),
    (
        "run/export/model.json",
        (CLASSIFY,),
        [
            (("labels",), (DELETED, [], ["a"], 5, None, [*"012345678"])),
            (("input",), (DELETED, [], 5, None, {})),
            (("input", "shape"), (DELETED, [], [1, 8, 8, 3], "x", [1, 0, 8, 1], None)),
            (("input", "mean"), (DELETED, [], "x", [float("nan")])),
            (("input", "std"), (DELETED, [0], [], [-1])),
            (("threshold",), (DELETED, 0, -1, 2, "x", float("nan"))),
        ],
    ),
    (
        "run/evaluation.json",
        (TFLITE,),
        [
            (("routed",), (DELETED, 5, {}, [{}], [{"threshold": 0.8}], "x")),
            (("routed", 0, "threshold"), (DELETED, 0, -1, "x", 5)),
            (("routed", 0, "accuracy"), (DELETED, "x", [])),
            (("all_branches",), (DELETED, [], 5, {})),
            (("examples",), (DELETED, "x", [])),
            (("dataset",), (DELETED, 5, [])),
        ],
    ),
    (
        "run/export/manifest.json",
        (TFLITE,),
        [(("files",), (DELETED, 5, [], "x", None))],
    ),
    (
        "categories.json",
        (CATEGORIES,),
        [
            (("even",), ([], "x", 5, None, {}, ["0", "0"], ["nothing"], [0, 2], ["1"])),
            (("odd",), (["0"], [["1"]], [None], True)),
            (("third",), (["0"], "cat")),
        ],
    ),
    (
        "route.json",
        ((*FIXED, "--route=route.json"),),
        [
            (("FIRST",), (DELETED, [], [0, 0], [1], [1, 1, 1], "x", 5, None, {})),
            (("FIRST",), ([-1, 1], ["a", 1], [float("nan"), 1], [float("inf"), 1])),
            (("FIRST",), ([10**400, 1], [True, True], [[1], [1]])),
            (("another",), ([1, 1], 5, None)),
        ],
    ),
]
# What a table says of its origin, wrongly: a line of warning, as its device is another.
ORIGINS = [
    (("provenance", "device", "processor"), "Cortex-A53"),
    (("provenance", "device", "cores"), 8),
    (("provenance", "device", "system"), "Android-14"),
    (("provenance", "device"), "adb:emulator-5554"),
]
ORIGIN_COMMANDS = (
    (*EVALUATE, "--budget_ms=1000"),
    BUDGET,
    (*TFLITE, "--latency_table=run/latency.host.json"),
    ANDROID,
    (*NEW, "--cost_table=run/latency.host.json"),
    CHECK,
)


def cases():
    """Yields the cases."""
    for name, commands, rows in WRONG:
        for command in commands:
            for path, values in rows:
                for value in values:
                    yield _case(name, command, path, value)
    for command in ORIGIN_COMMANDS:
        for path, value in ORIGINS:
            yield Case(
                "table of another device",
                f"{path[-1]}={value}, {' '.join(command)}",
                command,
                (str(value),),
                (*RUN, "tiny.flags"),
                change("run/latency.host.json", path, value),
                "said",
            )


def _case(name, command, path, value):
    shown = "deleted" if value is DELETED else f"{value!r}"[:40]
    top = name.split("/")[0]
    return Case(
        "value in JSON",
        f"{name} {'.'.join(map(str, path))}={shown}, {' '.join(command)}",
        command,
        (name, name.rsplit("/", 1)[-1]),
        tuple(dict.fromkeys((*RUN, "tiny.flags", "image.png", top))),
        change(name, path, value),
    )


def change(name, path, value):
    """Returns a function of a folder that puts a value into a JSON file of it.

    Args:
        name: Name of the file in the folder.
        path: Keys from the outermost one; "FIRST" is the first of a mapping.
        value: The value, or `DELETED`.
    """

    def prepare(folder):
        content = json.loads((folder / name).read_text())
        *above, last = path
        place = content
        for key in above:
            place = place[next(iter(place)) if key == "FIRST" else key]
        key = next(iter(place)) if last == "FIRST" else last
        if value is DELETED:
            del place[key]
        else:
            place[key] = value
        (folder / name).write_text(json.dumps(content))

    return prepare

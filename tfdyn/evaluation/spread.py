"""Spread: mean and standard deviation of several runs, such as of several seeds."""

import statistics

from tfdyn.errors import UserError
from tfdyn.evaluation.runs_title import runs_title
from tfdyn.routing.threshold import threshold_label
from tfdyn.runs.run_folder import RunFolder
from tfdyn.text import align, readable

# Fields of a row that name it. All other numbers are averaged.
GOALS = ("budget_ms", "target_rate", "least_accuracy")


def check_runs(run_dirs: list[str]) -> dict:
    """Checks, before any run is evaluated, that several can be averaged.

    Args:
        run_dirs: Paths of the runs' folders.

    Returns:
        Mapping from each path to the `Settings` of its run.

    Raises:
        UserError: If there is one run only, a folder is named twice, or the runs have
            different data sets.
    """
    settings, folders = {}, {}
    for path in run_dirs:
        run = RunFolder(path)
        settings[path] = run.settings()
        same = folders.setdefault(run.path.resolve(), path)
        if same is not path:
            raise UserError(f"--run_dirs names {path} twice: name each run once.")
    if len(settings) < 2:
        raise UserError(
            f"--run_dirs needs at least two runs; got {', '.join(settings) or 'none'}. "
            f"Use --run_dir for one run."
        )
    (first, one), *others = settings.items()
    for path, other in others:
        for name in ("dataset", "data_dir", "image_size"):
            if getattr(one, name) != getattr(other, name):
                raise UserError(
                    f"--run_dirs: {first} has --{name}={getattr(one, name)}, and "
                    f"{path} --{name}={getattr(other, name)}: name runs of one data "
                    f"set."
                )
    return settings


def spread(contents: dict[str, dict]) -> dict:
    """Returns the mean and the standard deviation of evaluations, row by row.

    Args:
        contents: Mapping from at least two runs' folders to the contents of their
            `evaluation.json`, of the same thresholds and goals.

    Returns:
        A dict: `run_dirs`; `dataset`; `examples`, the number of images; and
        `all_branches` and `routed`, as in `evaluation.json`, with `{"mean": number,
        "std": number}` for each number. The standard deviation is that of a sample:
        divided by the number of runs less one. In a row of a goal, such as
        `budget_ms`, each run has its own T.

    Raises:
        UserError: If the runs have different data sets or rows.
    """
    first = next(iter(contents.values()))
    for run_dir, content in contents.items():
        for name in ("dataset", "examples"):
            if content[name] != first[name]:
                raise UserError(
                    f"{run_dir} was evaluated on {content[name]} ({name}), "
                    f"{next(iter(contents))} on {first[name]}: name runs of one data "
                    f"set."
                )
        if [_key(row) for row in content["routed"]] != [*map(_key, first["routed"])]:
            raise UserError(
                f"{run_dir} was evaluated at other thresholds than "
                f"{next(iter(contents))}: name runs of one network."
            )
    return {
        "run_dirs": list(contents),
        "dataset": first["dataset"],
        "examples": first["examples"],
        "all_branches": _over([c["all_branches"] for c in contents.values()]),
        "routed": [
            _over(list(rows))
            for rows in zip(*(c["routed"] for c in contents.values()), strict=True)
        ],
    }


def _key(row):
    goals = {name: row[name] for name in GOALS if name in row}
    return goals or {"threshold": row.get("threshold")}


def _over(rows):
    row = {}
    for name, value in rows[0].items():
        values = [other[name] for other in rows]
        if name in _key(rows[0]):
            row[name] = value
        elif isinstance(value, int | float):
            row[name] = {
                "mean": statistics.fmean(values),
                "std": statistics.stdev(values),
            }
    return row


def table(content: dict, settings: dict) -> str:
    """Returns what `spread` returned as a table for people.

    Args:
        content: Dict that `spread` returned.
        settings: Mapping from the runs' folders to their `Settings`.
    """
    units = [
        name.removesuffix("_mean")
        for name in content["routed"][0]
        if name.endswith("_mean") and not name.startswith(("macs", "params"))
    ]
    rows = [["", "accuracy", "MACs an image", "parameters", *units]]
    full = content["all_branches"]
    counts = [full[name] for name in ("macs", "params", *units)]
    rows.append(["all branches", _percent(full["accuracy"]), *map(_number, counts)])
    for row in content["routed"]:
        names = ("macs_mean", "params_mean", *(f"{unit}_mean" for unit in units))
        counts = [_number(row[name]) for name in names]
        rows.append([_label(row), _percent(row["accuracy"]), *counts])
    images = f"{content['dataset']}, {content['examples']} test images"
    return f"{images}: {runs_title(list(settings.values()))}\n\n{align(rows)}"


def _label(row):
    if "budget_ms" in row:
        return f"budget {row['budget_ms']:g} ms"
    if "target_rate" in row:
        return f"target rate {row['target_rate']:g}"
    if "least_accuracy" in row:
        return f"accuracy from {row['least_accuracy']:g}"
    return threshold_label(row["threshold"])


def _percent(number):
    return f"{100 * number['mean']:.2f} ± {100 * number['std']:.2f} %"


def _number(number):
    if number["mean"] < 1000:
        return f"{number['mean']:.4g} ± {number['std']:.2g}"
    return f"{readable(number['mean'])} ± {readable(number['std'])}"

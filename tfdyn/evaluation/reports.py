"""Reports: the evaluation of a run as JSON and as tables."""

import pathlib

from tfdyn.errors import UserError
from tfdyn.reading import read_json
from tfdyn.routing.threshold import check_threshold, threshold_label
from tfdyn.text import align, readable


def evaluation(
    dataset: str,
    weights: str,
    results: list[tuple],
    cost_table: str | None = None,
    shown: int = 0,
    cost_table_origin: str | None = None,
) -> dict:
    """Returns the content of `evaluation.json`.

    Args:
        dataset: Name of the data set.
        weights: File of the model that was evaluated.
        results: List of pairs: a threshold, and the result of `Evaluator` at it, which
            may hold further fields for its row. The first pair has T=1.
        cost_table: Path of the cost table whose unit is among the results.
        shown: Index of the pair whose use of branches is reported, counted from 0
            after the first pair.
        cost_table_origin: Where and when that table was measured
            (`tfdyn.costs.provenance.origin`).
    """
    (_, full), *routed = results
    others = {unit: full[f"{unit}_mean"] for unit in _other_units(full)}
    tables = {"cost_table": cost_table, "cost_table_origin": cost_table_origin}
    return {
        "dataset": dataset,
        "split": "test",
        "weights": weights,
        "examples": int(full["examples"]),
        "all_branches": {
            "accuracy": full["accuracy"],
            "macs": full["macs_mean"],
            "params": full["params_mean"],
            **others,
        },
        "routed": [{"threshold": t, **_numbers(result)} for t, result in routed],
        "use": _use(*routed[shown]),
        **{name: str(value) for name, value in tables.items() if value},
    }


def read(path: pathlib.Path) -> dict:
    """Reads an `evaluation.json`.

    Args:
        path: Path of the file, in the folder of its run.

    Returns:
        The content that `evaluation` returned.

    Raises:
        UserError: If the file does not hold an evaluation.
        OSError: If it cannot be read.
    """
    mend = f"Make it again with `python -m tfdyn.evaluate --run_dir={path.parent}`."
    kind = "an evaluation"
    content = read_json(path, kind, mend)
    try:
        if not isinstance(content["routed"], list):
            raise UserError("its rows are no list")
        numbers = [content["examples"], content["all_branches"]["accuracy"]]
        for row in content["routed"]:
            check_threshold(row["threshold"])
            numbers += [row["accuracy"], row["macs_mean"]]
        if not all(isinstance(number, int | float) for number in numbers):
            raise UserError("a number is missing")
        if not isinstance(content["dataset"], str):
            raise UserError("the name of the data set is missing")
    except (KeyError, TypeError, UserError) as error:
        raise UserError(
            f"{path} is not {kind} ({type(error).__name__}: {error}). {mend}"
        ) from error
    return content


def _use(threshold, result):
    categories = result.get("use_by_category", {})
    return {"threshold": threshold, "all": result["use"], "categories": categories}


def _other_units(row):
    units = [name.removesuffix("_mean") for name in row if name.endswith("_mean")]
    return [unit for unit in units if unit not in ("macs", "params")]


def _numbers(result):
    left_out = "examples", "use", "use_by_category"
    return {name: v for name, v in result.items() if name not in left_out}


def table_rows(content: dict) -> list[list[str]]:
    """Returns `evaluation.json` as rows of texts, the first of them with headings.

    Args:
        content: Dict that `evaluation` returned.
    """
    full, routed = content["all_branches"], content["routed"]
    units = _other_units(routed[0])
    rows = [["", "accuracy", "MACs an image", "saved", "parameters", "branches"]]
    rows[0] += units
    counts = full["accuracy"], full["macs"], full["params"]
    costs = [f"{full[unit]:.4g}" for unit in units]
    rows.append([*_row("all branches", *counts, full), "all", *costs])
    for row in routed:
        counts = row["accuracy"], row["macs_mean"], row["params_mean"]
        costs = [_mean_and_std(row, unit) for unit in units]
        branches = f"{row['branches_per_connection']:.2f}"
        label = threshold_label(row["threshold"])
        rows.append([*_row(label, *counts, full), branches, *costs])
    return rows


def table(content: dict, run) -> str:
    """Returns `evaluation.json` as a table for people.

    Args:
        content: Dict that `evaluation` returned.
        run: `RunFolder` or path, for the title.
    """
    routed = content["routed"]
    lines = [
        f"{content['dataset']}, {content['examples']} {content['split']} images, "
        f"{run}/{content['weights']}"
    ]
    options = inference_options(content)
    lines[0] += f", {options}" if options else ""
    if "cost_table" in content:
        names = ("cost_table", "cost_table_origin")
        table = ", ".join(content[name] for name in names if name in content)
        lines.append(f"cost table: {table}")
    lines += ["", align(table_rows(content))]
    goals = [row for row in routed if "validation_examples" in row]
    lines += ["", *map(goal_line, goals)] if goals else []
    use = content["use"]
    return "\n".join(lines + (_use_table(use) if use["categories"] else []))


def inference_options(content: dict) -> str:
    """Returns the options of the inference that were set, as text; else "".

    Args:
        content: Content of `evaluation.json`.
    """
    texts = []
    if content.get("inference_noise"):
        texts.append("noise in inference")
    if "inference_temperature" in content:
        texts.append(f"temperature {content['inference_temperature']:g}")
    return ", ".join(texts)


def goal_line(row: dict) -> str:
    """Returns a line of text that names the T that was found for a goal.

    Args:
        row: A dict that `tfdyn.evaluation.thresholds.choose_thresholds` returned. It
            may also hold the results on the test images.
    """
    label, images = threshold_label(row["threshold"]), row["validation_examples"]
    if "budget_ms" in row:
        return (
            f"budget {row['budget_ms']:g} ms: {label}, the largest T that meets it "
            f"with a margin; the predicted mean is {row['validation_ms']:.4g} ms on "
            f"{images:,} validation images"
        )
    if "least_accuracy" in row:
        return (
            f"accuracy of at least {row['least_accuracy']:g}: {label}, the smallest T "
            f"that has it; {row['validation_accuracy']:.4g} of {images:,} validation "
            f"images are right"
        )
    tested = ""
    if "executed_share" in row:
        tested = f" and {row['executed_share']:.4g} on the test images"
    return (
        f"target rate {row['target_rate']:g}: {label}, the largest T that meets it; "
        f"the share of the branches' MACs that run is {row['validation_rate']:.4g} on "
        f"{images:,} validation images{tested}"
    )


def _mean_and_std(row, unit):
    """Returns a mean over images, with the standard deviation if there is one."""
    mean, std = row[f"{unit}_mean"], row.get(f"{unit}_std", 0)
    # Where all images cost the same, rounding leaves a little.
    return f"{mean:.4g}" + (f" ± {std:.2g}" if std > 1e-6 * mean else "")


def _use_table(use):
    """Returns the lines of a table: how often each branch runs, by category."""
    rows = [["", "all images", "least often for", "most often for"]]
    for op, branches in use["all"].items():
        for branch, share in branches.items():
            shares = sorted((s[op][branch], c) for c, s in use["categories"].items())
            ends = [f"{category} {100 * s:.1f} %" for s, category in shares]
            rows.append([f"{op} {branch}", f"{100 * share:.1f} %", ends[0], ends[-1]])
    title = f"share of images that run a branch, {threshold_label(use['threshold'])}"
    return ["", title, "", align(rows)]


def _row(name, accuracy, macs, params, full):
    saved = f"{100 * (1 - macs / full['macs']):.1f} %"
    accuracy = f"{100 * accuracy:.2f} %"
    return [name, accuracy, readable(macs), saved, readable(params)]

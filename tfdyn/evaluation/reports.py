"""Reports: the evaluation of a run as JSON and as tables."""

from tfdyn.routing.threshold import threshold_label
from tfdyn.text import readable


def evaluation(dataset, weights, results, cost_table=None, shown=0):
    """Returns the content of `evaluation.json`.

    Args:
        dataset: Name of the data set.
        weights: File of the model that was evaluated.
        results: List of pairs of a threshold and the result of `Evaluator` at it, or
            more that is to stand in its row; the first has T=1.
        cost_table: Path of the table of another unit in the results.
        shown: Index of the result, without that first one, whose use of branches is
            told.
    """
    (_, full), *routed = results
    others = {unit: full[f"{unit}_mean"] for unit in _other_units(full)}
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
        **({"cost_table": str(cost_table)} if cost_table else {}),
    }


def _use(threshold, result):
    categories = result.get("use_by_category", {})
    return {"threshold": threshold, "all": result["use"], "categories": categories}


def _other_units(row):
    units = [name.removesuffix("_mean") for name in row if name.endswith("_mean")]
    return [unit for unit in units if unit not in ("macs", "params")]


def _numbers(result):
    left_out = "examples", "use", "use_by_category"
    return {name: v for name, v in result.items() if name not in left_out}


def table(content, folder):
    """Returns `evaluation.json` as a table for people.

    Args:
        content: What `evaluation` returned.
        folder: `RunFolder` or path, for the title.
    """
    full, routed = content["all_branches"], content["routed"]
    units = _other_units(routed[0])
    heads = ["", "accuracy", "MACs an image", "saved", "parameters", "branches"]
    rows = [heads + units]
    counts = full["accuracy"], full["macs"], full["params"]
    rows.append([*_row("all branches", *counts, full), "all"])
    rows[-1] += [f"{full[unit]:.4g}" for unit in units]
    for row in routed:
        counts = row["accuracy"], row["macs_mean"], row["params_mean"]
        rows.append(_row(threshold_label(row["threshold"]), *counts, full))
        rows[-1].append(f"{row['branches_per_connection']:.2f}")
        rows[-1] += [f"{row[f'{unit}_mean']:.4g}" for unit in units]
    title = (
        f"{content['dataset']}, {content['examples']} {content['split']} images, "
        f"{folder}/{content['weights']}"
    )
    if "cost_table" in content:
        title += f"\ncost table: {content['cost_table']}"
    chosen = [budget_line(row) for row in routed if "budget_ms" in row]
    chosen += [_rate_line(row) for row in routed if "target_rate" in row]
    lines = [title, "", *_aligned(rows), *([""] if chosen else []), *chosen]
    use = content["use"]
    return "\n".join(lines + (_use_table(use) if use["categories"] else []))


def budget_line(choice):
    """Returns in a line which T was chosen for a budget.

    Args:
        choice: One of `tfdyn.evaluation.budget.thresholds_for`.
    """
    threshold = threshold_label(choice["threshold"])
    return (
        f"budget {choice['budget_ms']:g} ms: {threshold}, the largest "
        f"whose predicted mean on the {choice['validation_examples']:,} validation "
        f"images ({choice['validation_ms']:.4g} ms) meets it with a margin"
    )


def _rate_line(choice):
    threshold = threshold_label(choice["threshold"])
    return (
        f"target rate {choice['target_rate']:g}: {threshold}, the "
        f"largest at which no more of the branches' MACs run on the "
        f"{choice['validation_examples']:,} validation images "
        f"({choice['validation_rate']:.4g}); here {choice['executed_share']:.4g}"
    )


def _use_table(use):
    """Returns how often each branch runs for the categories."""
    rows = [["", "all images", "least often for", "most often for"]]
    for op, branches in use["all"].items():
        for branch, share in branches.items():
            shares = sorted((s[op][branch], c) for c, s in use["categories"].items())
            ends = [f"{category} {100 * s:.1f} %" for s, category in shares]
            rows.append([f"{op} {branch}", f"{100 * share:.1f} %", ends[0], ends[-1]])
    title = f"share of images that run a branch, {threshold_label(use['threshold'])}"
    return ["", title, "", *_aligned(rows)]


def _row(name, accuracy, macs, params, full):
    saved = f"{100 * (1 - macs / full['macs']):.1f} %"
    accuracy = f"{100 * accuracy:.2f} %"
    return [name, accuracy, readable(macs), saved, readable(params)]


def _aligned(rows):
    columns = max(map(len, rows))
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(columns)]
    return [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]

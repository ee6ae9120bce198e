"""Reports: the evaluation of a run as JSON, as a table and as a plot."""

from tfdyn.costs.units import readable
from tfdyn.files import whole


def evaluation(dataset, weights, results, cost_table=None):
    """Returns the content of `evaluation.json`.

    Args:
        dataset: Name of the data set.
        weights: File of the model that was evaluated.
        results: List of pairs of a threshold and the result of `Evaluator` at it, or
            more that is to stand in its row; the first has T=1.
        cost_table: Path of the table of another unit in the results.
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
        **({"cost_table": str(cost_table)} if cost_table else {}),
    }


def _other_units(row):
    units = [name.removesuffix("_mean") for name in row if name.endswith("_mean")]
    return [unit for unit in units if unit not in ("macs", "params")]


def _numbers(result):
    return {name: v for name, v in result.items() if name not in ("examples", "use")}


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
        rows.append(_row(label(row["threshold"]), *counts, full))
        rows[-1].append(f"{row['branches_per_connection']:.2f}")
        rows[-1] += [f"{row[f'{unit}_mean']:.4g}" for unit in units]
    title = (
        f"{content['dataset']}, {content['examples']} {content['split']} images, "
        f"{folder}/{content['weights']}"
    )
    if "cost_table" in content:
        title += f"\ncost table: {content['cost_table']}"
    budgets = [budget_line(row) for row in routed if "budget_ms" in row]
    return "\n".join([title, "", *_aligned(rows), *([""] if budgets else []), *budgets])


def label(threshold):
    """Returns T as people read it: below 1, it is not read as 1."""
    # As many digits as float32 has near 1.
    return f"T={threshold:.8g}" if isinstance(threshold, float) else "own thresholds"


def budget_line(choice):
    """Returns in a line which T was chosen for a budget.

    Args:
        choice: One of `tfdyn.training.budget.thresholds_for`.
    """
    return (
        f"budget {choice['budget_ms']:g} ms: {label(choice['threshold'])}, the largest "
        f"whose predicted mean on the {choice['validation_examples']:,} validation "
        f"images ({choice['validation_ms']:.4g} ms) meets it with a margin"
    )


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


def plot(path, results, shown):
    """Draws accuracy against MACs, and which branches run at one threshold.

    Args:
        path: PNG file to write.
        results: List of pairs of a threshold and the result of `Evaluator` at it.
        shown: Index of the result whose use of branches is drawn, as in DRNet's
            figure 2.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    threshold, result = results[shown]
    use = result["use"]
    figure = Figure(figsize=(11, max(4.0, 0.16 * len(use) + 2)), layout="tight")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    points = sorted((r["macs_mean"] / 1e6, 100 * r["accuracy"], t) for t, r in results)
    left.plot([macs for macs, _, _ in points], [y for _, y, _ in points], "o-")
    for index, (macs, y, t) in enumerate(points):
        place = (4, 6 if index % 2 else -12)
        left.annotate(label(t), (macs, y), place, textcoords="offset points")
    left.set(xlabel="MACs an image (M)", ylabel="test accuracy (%)")
    left.margins(0.12)
    left.grid(alpha=0.3)
    names = list(dict.fromkeys(name for shares in use.values() for name in shares))
    rows = [[shares.get(name, 0.0) for name in names] for shares in use.values()]
    image = right.imshow(rows, aspect="auto", vmin=0, vmax=1, cmap="viridis")
    right.set_title(f"share of images that run a branch, {label(threshold)}")
    right.set_xticks(range(len(names)), names, rotation=30, ha="right")
    right.set_yticks(range(len(use)), list(use), fontsize=6)
    figure.colorbar(image)
    with whole(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)

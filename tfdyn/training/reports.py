"""Reports: the evaluation of a run as JSON, as a table and as a plot."""

import os

from tfdyn.costs.units import readable


def evaluation(dataset, weights, thresholds, results):
    """Returns the content of `evaluation.json`.

    Args:
        dataset: Name of the data set.
        weights: File of the model that was evaluated.
        thresholds: Thresholds in the order asked for.
        results: Mapping from each threshold, and 1.0, to the result of `Evaluator`.
    """
    everything = results[1.0]
    routed = []
    for threshold in thresholds:
        values = {k: v for k, v in results[threshold].items() if k not in _APART}
        routed.append({"threshold": threshold, **values})
    return {
        "dataset": dataset,
        "split": "test",
        "weights": weights,
        "examples": everything["examples"],
        "all_branches": {
            "accuracy": everything["accuracy"],
            "macs": everything["macs_mean"],
            "params": everything["params_mean"],
        },
        "routed": routed,
    }


_APART = ("examples", "use")


def table(content, folder):
    """Returns `evaluation.json` as a table for people.

    Args:
        content: What `evaluation` returned.
        folder: `RunFolder` or path, for the title.
    """
    full = content["all_branches"]
    title = (
        f"{content['dataset']}, {content['examples']} {content['split']} images, "
        f"{folder}/{content['weights']}; written to {folder}/evaluation.json and .png"
    )
    milliseconds = any("ms_mean" in row for row in content["routed"])
    heads = ["", "accuracy", "MACs an image", "saved", "parameters", "branches"]
    rows = [heads + ["ms"] * milliseconds]
    rows.append(_row("all branches", full["accuracy"], full["macs"], full))
    for row in content["routed"]:
        cells = _row(f"T={row['threshold']:g}", row["accuracy"], row["macs_mean"], full)
        cells[4] = readable(row["params_mean"])
        cells.append(f"{row['branches_per_connection']:.2f}")
        if "ms_mean" in row:
            cells.append(f"{row['ms_mean']:.3f}")
        rows.append(cells)
    return "\n".join([title, "", *_aligned(rows)])


def _row(name, accuracy, macs, full):
    saved = 1 - macs / full["macs"]
    return [
        name,
        f"{100 * accuracy:.2f} %",
        readable(macs),
        f"{100 * saved:.1f} %",
        readable(full["params"]),
    ]


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


def plot(path, thresholds, results, used):
    """Draws accuracy against MACs, and which branches run at one threshold.

    Args:
        path: PNG file to write.
        thresholds: Thresholds of the curve.
        results: Mapping from each threshold to the result of `Evaluator`.
        used: The threshold nearest to this one is shown on the right, as in DRNet's
            figure 2.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = thresholds[0]
    if not isinstance(used, list):
        shown = min(thresholds, key=lambda threshold: abs(threshold - used))
    use = results[shown]["use"]
    figure = Figure(figsize=(11, max(4.0, 0.16 * len(use) + 1.5)), layout="tight")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    points = sorted((results[t]["macs_mean"] / 1e6, t) for t in set(thresholds))
    accuracy = [100 * results[t]["accuracy"] for _, t in points]
    left.plot([macs for macs, _ in points], accuracy, "o-")
    for (macs, threshold), y in zip(points, accuracy, strict=True):
        left.annotate(f"T={threshold:g}", (macs, y), (4, 4), textcoords="offset points")
    left.set(xlabel="MACs an image (M)", ylabel="test accuracy (%)")
    left.grid(alpha=0.3)
    width = max(len(shares) for shares in use.values())
    rows = [[*shares, *[0.0] * (width - len(shares))] for shares in use.values()]
    image = right.imshow(rows, aspect="auto", vmin=0, vmax=1, cmap="viridis")
    right.set(xlabel="branch", title=f"share of images that run a branch, T={shown:g}")
    right.set_xticks(range(width))
    right.set_yticks(range(len(use)), list(use), fontsize=6)
    figure.colorbar(image)
    temporary = f"{path}.tmp"
    figure.savefig(temporary, format="png", dpi=120)
    os.replace(temporary, path)


def numbers(texts):
    """Returns the numbers that a list flag holds.

    Raises:
        ValueError: If a text is not a number, or there is none.
    """
    try:
        values = [float(text) for text in texts]
    except ValueError as error:
        raise ValueError(f"--thresholds are numbers; got {','.join(texts)}.") from error
    if not values:
        raise ValueError("--thresholds is empty; name at least one, as 0.8.")
    return values

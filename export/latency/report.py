"""Report: latency tables and validations as text, and a plot of a validation."""

import numpy as np

from tfdyn.costs.cost_table import CostTable
from tfdyn.figures import figure
from tfdyn.text import align

# Mean error, as a share of the measured time, above which a table is wrong.
LARGE_BIAS = 0.1


def table_text(table: CostTable, all_branches: float) -> str:
    """Returns a latency table as text.

    Args:
        table: `CostTable` in ms.
        all_branches: Predicted ms of the network with all its branches, gated.
    """
    rows = [["", "count", "ms", "spread"]]
    for entry in table.modules.values():
        costs = f"{entry['cost']:.4f}", f"{entry['spread']:.4f}"
        rows.append([entry["name"], f"{entry['count']}", *costs])
    for name, cost in (
        ("a gate, taken", table.gate["taken"]),
        ("a gate, not taken", table.gate["not_taken"]),
        ("remainder", table.remainder),
        ("all branches, gated", all_branches),
    ):
        rows.append([name, "", f"{cost:.4f}"])
    return align(rows)


def validation_text(content: dict) -> str:
    """Returns a validation as text: how far the predictions are off, and the noise.

    Args:
        content: What `export.latency.validation.validate` returned.
    """
    noise = [name for name in ("repeated", "remeasured") if name in content]
    results = [content, *(content[name] for name in noise)]
    rows = [["", "predicted", *noise]]
    for name, form in (
        ("correlation", "{:.4f}"),
        ("within_5_percent", "{:.4f}"),
        ("within_10_percent", "{:.4f}"),
        ("median_error", "{:.2%}"),
        ("worst_error", "{:.2%}"),
        ("bias", "{:.2%}"),
    ):
        cells = [form.format(result[name]) for result in results]
        rows.append([name.replace("_", " "), *cells])
    return align(rows)


def recheck_text(content: dict) -> str:
    """Returns the times of a table's routes, then and now, as text.

    Args:
        content: What `export.latency.recheck.recheck` returned.
    """
    rows = [["", "then, ms", "now, ms", "then / now - 1"]]
    for name, then in content["then_ms"].items():
        now = content["now_ms"][name]
        rows.append([name, f"{then:.4f}", f"{now:.4f}", f"{then / now - 1:.1%}"])
    rows.append(["mean", "", "", f"{content['bias']:.1%}"])
    return align(rows)


def bias_warning(content: dict, table: str, device: str) -> str | None:
    """Returns a warning, if the mean error of a table's times is large, or `None`.

    Args:
        content: What `validate` or `recheck` returned.
        table: Name of the table's file.
        device: Name of the device that the times were compared on.
    """
    bias = content["bias"]
    if abs(bias) <= LARGE_BIAS:
        return None
    low = "below" if bias < 0 else "above"
    return (
        f"warning: the times of {table} are {abs(bias):.0%} {low} those measured on "
        f"{device} now. Budgets and gates chosen by this table will be wrong here: "
        f"remove it and measure again with `python -m export.latency`, while nothing "
        f"else runs."
    )


def plot(path, content: dict) -> None:
    """Draws predicted against measured latency, one point for each route.

    Args:
        path: PNG file to write.
        content: What `export.latency.validation.validate` returned.
    """
    predicted, measured = content["predicted_ms"], content["measured_ms"]
    with figure(path, (6, 5.5)) as axes:
        for label, marker, of_images in (
            ("random routes", "o", False),
            ("routes of images", "^", True),
        ):
            indices = np.flatnonzero(np.equal(content["own"], of_images))
            points = [[values[i] for i in indices] for values in (measured, predicted)]
            axes.plot(*points, marker, label=label, alpha=0.6, markersize=5)
        ends = np.array([0, 1.05 * max(measured)])
        axes.plot(ends, ends, "k-", linewidth=0.8, label="predicted = measured")
        axes.plot(ends, 0.9 * ends, "k:", linewidth=0.8, label="10 % off")
        axes.plot(ends, 1.1 * ends, "k:", linewidth=0.8)
        axes.set(xlabel="measured, ms", ylabel="predicted, ms")
        axes.set_title(
            f"{content['routes']} routes on {content['device']['device']}: r = "
            f"{content['correlation']:.4f}, {content['within_10_percent']:.0%} within "
            f"10 %"
        )
        axes.legend()

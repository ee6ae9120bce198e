"""The result of a search as tables and as a plot."""

from tfdyn.figures import figure
from tfdyn.routing.threshold import threshold_label
from tfdyn.text import align, readable

# Points far below the best are left out of the plot: accuracy in percent.
SHOWN = 25
# Of the points of all trials, of the frontier, and of the run beside it.
COLORS = ("#b0b0b0", "#1f77b4", "#1f77b4", "#d62728", "#d62728")


def table(content: dict) -> str:
    """Returns the result of a search as tables for people.

    Args:
        content: What `tfdyn.tuning.results.results` returned.
    """
    whole = [record for record in content["trials"] if record["status"] == "finished"]
    whole.sort(key=lambda record: -record["score"])
    names, goals = list(whole[0]["values"]), list(whole[0]["objectives"])
    rungs = any(record["share"] < 1 for record in whole)
    rows = [["trial", *goals, *(["epochs"] if rungs else []), *names]]
    for record in whole:
        row = [str(record["trial"])]
        row += [f"{record['objectives'][name]:.4f}" for name in goals]
        row += [f"{100 * record['share']:.0f} %"] if rungs else []
        rows.append(row + [_value(record["values"][name]) for name in names])
    lines = [align(rows)]
    for record in content["trials"]:
        if record["status"] == "failed":
            lines.append(f"trial {record['trial']} failed: {record['message']}")
    unit = content["unit"]
    title = "MACs an image" if unit == "macs" else "ms an image"
    rows = [["frontier of all trials", "validation", "test", title]]
    points = content["frontier"] + content.get("beside", {}).get("points", [])
    for point in points:
        name = f"trial {point['trial']}" if "trial" in point else "beside"
        cost = point[unit]
        rows.append(
            [
                f"{name}, {threshold_label(point['threshold'])}",
                f"{100 * point['accuracy']:.2f} %",
                _percent(point.get("test_accuracy")),
                readable(cost) if unit == "macs" else f"{cost:.4g}",
            ]
        )
    return "\n".join([*lines, "", align(rows)])


def best_line(best: dict) -> str:
    """Returns a line on the best trial.

    Args:
        best: `best` of what `tfdyn.tuning.results.results` returned.
    """
    goals = ", ".join(f"{name} {x:.4f}" for name, x in best["objectives"].items())
    missed = [name for name, x in best["objectives"].items() if x < 0]
    if missed:
        return (
            f"no trial meets {' and '.join(missed)} at any T; trial {best['trial']} is "
            f"the nearest: {goals}"
        )
    text = f"trial {best['trial']} is the best: {goals}"
    if best["point"]:
        label = threshold_label(best["point"]["threshold"])
        tested = _percent(best["point"].get("test_accuracy"))
        text += f", at {label}" + (f" (test: {tested})" if tested else "")
    return text


def plot(path, content: dict) -> None:
    """Draws all points of all trials, and their frontier.

    Args:
        path: PNG file to write.
        content: What `tfdyn.tuning.results.results` returned.
    """
    unit = content["unit"]
    scale, label = (1e6, "MACs an image (M)") if unit == "macs" else (1, "ms an image")

    def draw(axes, points, style, name, accuracy="accuracy", cost=unit):
        points = [point for point in points if accuracy in point]
        axes.plot(
            [point[cost] / scale for point in points],
            [100 * point[accuracy] for point in points],
            style,
            label=name,
        )

    with figure(path, (7, 5)) as axes:
        whole = [r for r in content["trials"] if r["status"] == "finished"]
        everything = [point for record in whole for point in record["points"]]
        axes.set_prop_cycle(color=COLORS)
        top = max(100 * point["accuracy"] for point in everything)
        low = sum(100 * point["accuracy"] < top - SHOWN for point in everything)
        below = f" ({low} points are lower)" if low else ""
        draw(axes, everything, ".", f"{len(whole)} trials, validation{below}")
        best = content["frontier"]
        draw(axes, best, "o-", "their frontier, validation")
        test = ("test_accuracy", f"test_{unit}")
        draw(axes, best, "x", "the same points, test", *test)
        if "beside" in content:
            others = content["beside"]["points"]
            name = content["beside"]["run_dir"]
            draw(axes, others, "s--", f"{name}, validation")
            draw(axes, others, "+", f"{name}, test", *test)
        axes.set_ylim(bottom=max(axes.get_ylim()[0], top - SHOWN))
        axes.set(xlabel=label, ylabel="accuracy (%)")
        axes.legend()


def _value(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _percent(accuracy):
    return "" if accuracy is None else f"{100 * accuracy:.2f} %"

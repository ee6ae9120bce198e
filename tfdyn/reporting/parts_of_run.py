"""The pictures and tables of one run: one code for the routes of all families."""

import numpy as np

from tfdyn.errors import UserError
from tfdyn.evaluation import reports
from tfdyn.reading import is_there
from tfdyn.reporting import costs_of_images, examples, route_places
from tfdyn.reporting.costs_by_threshold import costs_by_threshold
from tfdyn.reporting.elements import description, details, element, table
from tfdyn.reporting.evaluated_run import EvaluatedRun
from tfdyn.reporting.learning_curves import learning_curves
from tfdyn.reporting.plotting import cost_text
from tfdyn.reporting.route_flow import route_flow
from tfdyn.reporting.route_graphs import route_graphs
from tfdyn.reporting.route_map import route_maps
from tfdyn.reporting.routes_in_use import routes_in_use
from tfdyn.reporting.search_points import search_points
from tfdyn.reporting.section import Part
from tfdyn.reporting.use_by_group import use_by_group
from tfdyn.routing.threshold import threshold_label
from tfdyn.runs.run_folder import RunFolder
from tfdyn.training.metrics_table import read_rows

# An evaluation.json whose accuracy is further off is of something else.
TOLERANCE = 0.001
# The most routes in the table of routes.
ROUTES = 20


def evaluation_parts(run: EvaluatedRun) -> list[Part]:
    """Returns the accuracy and the cost of a run, at each T."""
    label, summary = threshold_label(run.threshold), run.summary
    all_branches = run.content["all_branches"]["macs"]
    text = (
        f"{run.run.settings().network} on {run.content['dataset']}, "
        f"{run.content['examples']:,} test images. At {label}: "
        f"{100 * summary['accuracy']:.2f} % at "
        f"{cost_text(summary['macs_mean'], 'macs')} an image, "
        f"{100 * (1 - summary['macs_mean'] / all_branches):.1f} % less than all "
        f"branches."
    )
    for row in run.content["routed"]:
        off = abs(row["accuracy"] - summary["accuracy"])
        if row["threshold"] == run.threshold and off > TOLERANCE:
            text += (
                f" But evaluation.json has {100 * row['accuracy']:.2f} % at {label}: "
                f"it is of other weights or other data. Evaluate the run again."
            )
    rows = reports.table_rows(run.content)
    rows[0][0] = "threshold"
    caption = "Accuracy and cost at each threshold, means over the test images"
    return [element("p", text), table(caption, rows)]


def training_parts(run: RunFolder) -> list[Part]:
    """Returns the learning curves of a run, and the points that a search has kept.

    Raises:
        UserError: If a file is not as the training writes it.
    """
    path = run / "metrics.csv"
    curves = []
    if is_there(path):
        curves = learning_curves(read_rows(path))
        if not curves:
            raise UserError(
                f"{path} is not a table of metrics: none of its lines is whole and has "
                f"numbers. Restore it, or delete it to leave out the learning curves."
            )
    return curves + search_points(run)


def use_parts(run: EvaluatedRun) -> list[Part]:
    """Returns the use of branches, as graphs and as a table."""
    use = run.summary["use"]
    parts = [[op.name for op in part] for part in run.model.parts]
    rows = [["connection", "branch", "share of images"]]
    rows += [
        [op, branch, f"{100 * share:.2f} %"]
        for op, shares in use.items()
        for branch, share in shares.items()
    ]
    label = threshold_label(run.threshold)
    caption = f"Share of test images that run a branch, {label}"
    numbers = details("All shares", table(caption, rows, left_columns=2))
    return [*route_graphs(parts, use), numbers]


def group_parts(run: EvaluatedRun) -> list[Part]:
    """Returns the use of branches by class, and by category if there are some."""
    labels = run.images["label"]
    groups = {"class": (list(run.class_names), labels)}
    if len(run.categories):
        names = list(dict.fromkeys(run.categories))
        of_class = np.array([names.index(name) for name in run.categories])
        groups["category"] = names, of_class[labels]
    pictures = [
        use_by_group(kind, names, of_image, run.runs, run.spec)
        for kind, (names, of_image) in groups.items()
    ]
    same = element("p", "All branches run equally often for all classes.")
    return [picture for picture in pictures if picture] or [same]


def cost_parts(run: EvaluatedRun) -> list[Part]:
    """Returns how costs are spread, and what easy and hard images cost."""
    unit, confidence = run.unit, run.full["confidence"]
    histograms = [
        costs_of_images.cost_histogram(
            run.images[each], float(run.full[each].mean(dtype=float)), each
        )
        for each in ("macs", "ms")
        if each in run.images
    ]
    statistics = costs_of_images.describe(run.images, run.full, unit)
    predicted = "Milliseconds are predicted by the latency table."
    return [
        *([element("p", predicted)] if unit == "ms" else []),
        *costs_by_threshold(run.content),
        *histograms,
        costs_of_images.cost_by_certainty(run.images[unit], confidence, unit),
        description(costs_of_images.statistics_rows(statistics, unit)),
    ]


def image_parts(run: EvaluatedRun) -> list[Part]:
    """Returns the cheapest, most expensive, most and least certain images."""
    images, unit = run.images, run.unit
    selected = examples.choose_examples(images[unit], images["confidence"])
    pixels = run.pixels({index for some in selected.values() for index in some})
    return [
        examples.gallery(title, some, images, unit, run.class_names, pixels)
        for title, some in selected.items()
    ]


def route_parts(run: EvaluatedRun) -> list[Part]:
    """Returns the routes in use, as maps, as a flow and as a table."""
    images, unit = run.images, run.unit
    in_use = routes_in_use(images["route"], images[unit], images["label"])
    count = len(in_use.counts)
    rows = [["branches that run", "images", "mean cost", "commonest class"]]
    rows += [
        [
            run.spec.to_text(in_use.sets[index]),
            f"{100 * in_use.counts[index] / len(images['label']):.2f} %",
            cost_text(in_use.costs[index], unit),
            run.class_names[in_use.classes[index]],
        ]
        for index in range(min(count, ROUTES))
    ]
    flow = route_flow(run.runs, run.spec)
    parts = [flow] if flow else []
    caption = f"Routes in use: {count:,}. The {len(rows) - 1} most frequent"
    parts.append(details("Routes", table(caption, rows)))
    if count < route_places.LEAST:
        few = f"Routes in use: {count}, too few for a map."
        return [element("p", few), *parts]
    places, method = route_places.place_routes(in_use.sets[: route_places.MOST])
    shown = route_places.examples_on_map(places, in_use)
    pixels = run.pixels(shown.values())
    of_route = {route: pixels[index] for route, index in shown.items()}
    maps = route_maps(places, method, in_use, run.class_names, unit, of_route)
    return [*maps, *parts]

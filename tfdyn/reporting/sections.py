"""The sections of a report, from its runs: one code for the routes of all families."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfdyn.evaluation import reports
from tfdyn.reading import is_there
from tfdyn.reporting import costs_of_images, examples, route_map
from tfdyn.reporting.accuracy_by_cost import accuracy_by_cost
from tfdyn.reporting.elements import description, details, element, table
from tfdyn.reporting.evaluated_run import EvaluatedRun, pixels_of
from tfdyn.reporting.learning_curves import learning_curves
from tfdyn.reporting.measured_latency import measured_latency
from tfdyn.reporting.plotting import cost_text
from tfdyn.reporting.provenance import provenance
from tfdyn.reporting.route_flow import route_flow
from tfdyn.reporting.route_graphs import route_graphs
from tfdyn.reporting.routes_in_use import routes_in_use
from tfdyn.reporting.section import Part, Section
from tfdyn.reporting.use_by_group import use_by_group
from tfdyn.reporting.worth import read_worth, worth_parts
from tfdyn.routing.threshold import threshold_label
from tfdyn.training.metrics_table import read_rows


def build_sections(
    runs: Sequence[EvaluatedRun], peers: Mapping[str, dict], batch_size: int
) -> list[Section]:
    """Returns the sections of a report, without those that no run has anything for.

    Args:
        runs: The runs, side by side.
        peers: Contents of `evaluation.json` of static networks, by name.
        batch_size: Number of images in a batch, for reading images.

    Raises:
        UserError: If a file of a run is not as the commands write it.
    """
    worths = {run.name: read_worth(run.run) for run in runs}
    worths = {name: content for name, content in worths.items() if content}
    contents = {run.name: run.content for run in runs}
    sections = [
        Section(
            "Accuracy and cost",
            "Means over the test images, from evaluation.json. A network runs less at "
            "a lower threshold T; T=1 runs all branches.",
            [
                ("", accuracy_by_cost(contents, peers, worths)),
                *_columns(runs, _evaluation),
            ],
        ),
        Section(
            "Learning curves",
            "Each epoch of the training, from metrics.csv.",
            _columns(runs, _learning_curves),
        ),
        Section(
            "Use of branches",
            "The share of test images that run each branch of each connection.",
            _columns(runs, _use),
        ),
        Section(
            "Use by class and category",
            "Where routes depend on the image, some branches run more often for some "
            "classes.",
            _columns(runs, _use_by_class),
        ),
        Section(
            "Cost of images",
            "With all branches, the network is certain of easy images (the third with "
            "the highest confidence) and uncertain of hard ones. Milliseconds are "
            "predicted by the run's latency table.",
            _columns(runs, _costs),
        ),
        Section(
            "Images",
            "Test images with their class, what the network says, how sure it is, and "
            "what they cost. Of images that cost the same, the most certain ones are "
            "called cheapest, and the least certain ones most expensive.",
            _columns(runs, lambda run: _galleries(run, batch_size)),
        ),
        Section(
            "Routes in use",
            "A route is the set of branches that run for an image.",
            _columns(runs, lambda run: _routes(run, batch_size)),
        ),
        Section(
            "Predicted and measured latency",
            "How well the latency table of a run predicts what routes really take.",
            _columns(runs, lambda run: measured_latency(run.run)),
        ),
        Section(
            "Worth of the router",
            "The router's routes beside those of other images, fixed ones and random "
            "ones, from router_worth.json.",
            _columns(runs, lambda run: worth_parts(worths.get(run.name), run.name)),
        ),
        Section(
            "Settings and provenance",
            "What repeats the run, and what it was trained and measured on.",
            _columns(runs, provenance),
        ),
    ]
    return [each for each in sections if any(parts for _, parts in each.columns)]


def _columns(runs, parts: Callable[[EvaluatedRun], Sequence[Part]]):
    return [(run.name if len(runs) > 1 else "", parts(run)) for run in runs]


def _evaluation(run):
    label = threshold_label(run.threshold)
    summary = run.summary
    full = run.content["all_branches"]["macs"]
    text = (
        f"{run.run.settings().network} on {run.content['dataset']}, "
        f"{run.content['examples']:,} test images. "
        f"At {label}: {100 * summary['accuracy']:.2f} % at "
        f"{cost_text(summary['macs_mean'], 'macs')} an image, "
        f"{100 * (1 - summary['macs_mean'] / full):.1f} % less than all branches."
    )
    parts = [element("p", text)]
    row = _row_of(run)
    if row and abs(row["accuracy"] - summary["accuracy"]) > 0.001:
        parts.append(
            element(
                "p",
                f"evaluation.json has {100 * row['accuracy']:.2f} % at {label}: it is "
                f"of other weights or other data. Evaluate the run again.",
                class_="warning",
            )
        )
    rows = reports.table_rows(run.content)
    rows[0][0] = "threshold"
    return [*parts, table("Accuracy and cost at each threshold", rows)]


def _row_of(run):
    rows = [row for row in run.content["routed"] if row["threshold"] == run.threshold]
    return rows[0] if rows else None


def _learning_curves(run):
    path = run.run / "metrics.csv"
    return learning_curves(read_rows(path)) if is_there(path) else []


def _use(run):
    use = run.summary["use"]
    parts = [[op.name for op in part] for part in run.model.parts]
    rows = [["connection", "branch", "share of images"]]
    rows += [
        [op, branch, f"{100 * share:.2f} %"]
        for op, shares in use.items()
        for branch, share in shares.items()
    ]
    caption = (
        f"Share of test images that run a branch, {threshold_label(run.threshold)}"
    )
    numbers = details("All shares", table(caption, rows, left_columns=2))
    return [*route_graphs(parts, use), numbers]


def _use_by_class(run):
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
    parts = [picture for picture in pictures if picture]
    if not parts:
        return [element("p", "All branches run equally often for all classes.")]
    return parts


def _costs(run):
    units = [unit for unit in ("macs", "ms") if unit in run.images]
    costs, full = run.images, run.full
    parts = [
        costs_of_images.cost_histogram(
            costs[unit], float(full[unit].mean(dtype=float)), unit
        )
        for unit in units
    ]
    confidence = full["confidence"]
    parts.append(
        costs_of_images.cost_by_certainty(costs[run.unit], confidence, run.unit)
    )
    statistics = costs_of_images.describe(costs, full, run.unit)
    return [
        *parts,
        description(costs_of_images.statistics_rows(statistics, run.unit)),
    ]


def _galleries(run, batch_size):
    selected = examples.choose_examples(run.images[run.unit], run.images["confidence"])
    indices = {index for some in selected.values() for index in some}
    pixels = pixels_of(run.dataset, indices, batch_size)
    return [
        examples.gallery(title, some, run.images, run.unit, run.class_names, pixels)
        for title, some in selected.items()
    ]


def _routes(run, batch_size):
    images = run.images
    in_use = routes_in_use(images["route"], images[run.unit], images["label"])
    flow = route_flow(run.runs, run.spec)
    count = len(in_use.counts)
    rows = [["branches that run", "images", "mean cost", "commonest class"]]
    rows += [
        [
            run.spec.to_text(in_use.sets[index]),
            f"{100 * in_use.counts[index] / len(images['label']):.2f} %",
            cost_text(in_use.costs[index], run.unit),
            run.class_names[in_use.classes[index]],
        ]
        for index in range(min(count, 20))
    ]
    caption = f"The {len(rows) - 1} most frequent of {count:,} routes"
    parts = [*([flow] if flow else []), details("Routes", table(caption, rows))]
    if count < route_map.LEAST:
        few = f"{count} routes are in use: too few for a map of routes."
        return [element("p", few), *parts]
    places, method = route_map.place_routes(in_use.sets[: route_map.MOST])
    shown = route_map.examples_on_map(places, in_use)
    pixels = pixels_of(run.dataset, shown.values(), batch_size)
    of_route = {route: pixels[index] for route, index in shown.items()}
    maps = route_map.route_maps(
        places, method, in_use, run.class_names, run.unit, of_route
    )
    return [*maps, *parts]

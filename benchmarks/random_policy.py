"""What a router's choice is worth: accuracy of its routes, and of others as dear.

`python -m benchmarks.random_policy --run_dir=runs/NAME`

On the test images: the routes that the router chooses; those of other images, in random
order; random ones of the same mean cost, each branch drawn with one probability; and
for all images the one that most take. And how many routes differ, and how their costs
are spread. Costs are the run's latency table's milliseconds, if it has just one, else
MACs.
"""

import functools
import statistics

import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks import timing
from export import flags as export_flags
from tfdyn import commands
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.layers import execution
from tfdyn.routing.route import distinct, most_frequent
from tfdyn.runs.tables import load_table
from tfdyn.text import align, readable

FLAGS = flags.FLAGS
QUANTILES = {"lowest": 0, "5 %": 5, "median": 50, "95 %": 95, "highest": 100}


def draw(model, uniform, probability):
    """Returns the routes of branches drawn with one probability.

    A MixedOp that must run a branch, and draws none, runs the one nearest to it.

    Args:
        model: `RoutedModel` whose weights are 0 or 1.
        uniform: Numbers between 0 and 1, `(n, branches of all MixedOps)`.
        probability: Of each branch to run.
    """
    parts = []
    for least, own in zip(
        model.least_branches, model.route_spec.split(uniform).values(), strict=True
    ):
        runs = own < probability
        if least:
            none = ~runs.any(axis=1)
            runs[none, own[none].argmin(axis=1)] = True
        parts.append(runs)
    return np.concatenate(parts, axis=1).astype("float32")


def as_dear(model, costs, mean, count, seed):
    """Returns random routes `(count, branches)` whose mean cost is `mean`."""
    uniform = np.random.default_rng(seed).random((count, model.route_spec.size))
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        if costs(draw(model, uniform, middle)).mean() < mean:
            low = middle
        else:
            high = middle
    return draw(model, uniform, high)


def measure(source, draws=3, batch_size=250):
    """Compares a run's routes with others of the same mean cost, on its test images.

    Args:
        source: `export.source.Source` of a run.
        draws: How often routes are drawn or put in another order.
        batch_size: Images at once.

    Returns:
        A dict ready for JSON: `unit` of the costs; `distinct`: how many routes differ,
        `most_frequent`: the share of images that take the most frequent one; `spread`:
        the cost of the images' routes at `QUANTILES`; and under `policies` the
        `accuracy` (mean over the draws), its lowest and highest, and the mean `cost`.

    Raises:
        ValueError: If the network's weights are not 0 or 1: routes of others have
            weights that the router makes.
    """
    model = source.model
    if not model.binary:
        raise UserError(
            f"{source.name} weighs the branches that it runs, so other routes than its "
            f"own have no weights. Give the run of a DMNN or an InstaNAS."
        )
    _, table = load_table(source.run)
    priced = RouteCost(model.modules, table) if table else model.route_cost
    images = functools.partial(source.dataset.batches, "test", batch_size)
    right, routes = _predict(model, images())

    def costs(some):
        return np.asarray(priced.total(model.route_spec.split(some)))

    own = costs(routes)
    generator = np.random.default_rng(0)
    frequent, share = most_frequent(routes)
    others = {
        "other images'": [generator.permutation(routes) for _ in range(draws)],
        "random": [
            as_dear(model, costs, own.mean(), len(routes), i) for i in range(draws)
        ],
        "the most frequent": [np.tile(frequent, (len(routes), 1))],
    }
    policies = {"the router's": _row([right.mean()], own.mean())}
    for name, drawn in others.items():
        accuracies = [_predict(model, images(), some)[0].mean() for some in drawn]
        policies[name] = _row(accuracies, np.mean([costs(some) for some in drawn]))
    values = np.percentile(own, list(QUANTILES.values())).tolist()
    return {
        "source": source.name,
        "images": len(routes),
        "draws": draws,
        "unit": priced.unit,
        "distinct": len(distinct(routes)[0]),
        "most_frequent": share,
        "spread": dict(zip(QUANTILES, values, strict=True)),
        "policies": policies,
        "machine": timing.machine(),
    }


def _row(accuracies, cost):
    return {
        "accuracy": float(statistics.mean(accuracies)),
        "lowest": float(min(accuracies)),
        "highest": float(max(accuracies)),
        "cost": float(cost),
    }


def _predict(model, batches, routes=None):
    """Returns which images are classified right, and the routes that they took."""

    @tf.function(reduce_retracing=True)
    def step(images, route):
        forced = None if route is None else model.route_spec.split(route)
        with execution.scope(execution.dispatched):
            outputs = model(images, route=forced, training=False)
        return tf.argmax(outputs["logits"], -1), model.route_spec.flatten(
            outputs["route"]
        )

    right, taken, first = [], [], 0
    for images, labels in batches:
        last = first + len(labels)
        route = None if routes is None else tf.constant(routes[first:last])
        predicted, own = step(images, route)
        right.append(predicted.numpy() == np.asarray(labels))
        taken.append(own.numpy())
        first = last
    return np.concatenate(right), np.concatenate(taken)


def text(content: dict) -> str:
    """Returns what `measure` returned as text."""
    number = readable if content["unit"] != "ms" else "{:.4g}".format
    rows = [["routes", "accuracy", "lowest", "highest", content["unit"]]]
    for name, row in content["policies"].items():
        shares = (row[key] for key in ("accuracy", "lowest", "highest"))
        cells = [f"{100 * share:.2f} %" for share in shares]
        rows.append([name, *cells, number(row["cost"])])
    spread = (f"{name} {number(cost)}" for name, cost in content["spread"].items())
    return "\n".join(
        [
            f"{content['source']}, {content['images']:,} test images",
            "",
            align(rows),
            "",
            f"{content['distinct']:,} routes differ; the most frequent is that of "
            f"{content['most_frequent']:.1%} of the images",
            f"{content['unit']} of the images' routes: {', '.join(spread)}",
        ]
    )


def main():
    """Runs the command on the flags."""
    content = measure(export_flags.source_from_flags(), FLAGS.draws)
    commands.report(content, text(content))


if __name__ == "__main__":
    export_flags.define_source()
    flags.declare_key_flag("run_dir")
    flags.DEFINE_integer("draws", 3, "How often routes are drawn.", lower_bound=1)
    commands.define_json()
    commands.run(main)

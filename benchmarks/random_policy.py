"""Compares the routes of a router with other routes of about the same mean cost.

`python -m benchmarks.random_policy --run_dir=runs/NAME`

It measures the accuracy on the test images four times, each time with other routes:

 - the router's: the routes that the router chooses;
 - other images': these routes in random order, so each image runs that of another;
 - random: routes of the same mean cost, in which each branch is drawn with the same
   probability;
 - the most frequent: the route that most images take, for all images.

It also prints how many different routes the router chooses, and how their costs are
spread. Costs are in milliseconds if the run has just one latency table, else in MACs.
"""

import functools
import statistics
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import flags

from benchmarks import timing
from export import flags as export_flags
from export.source import Source
from tfdyn import commands
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.layers import execution
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing.route import distinct, most_frequent
from tfdyn.runs.tables import load_table
from tfdyn.text import align, readable

FLAGS = flags.FLAGS
QUANTILES = {"lowest": 0, "5 %": 5, "median": 50, "95 %": 95, "highest": 100}


def draw(model: RoutedModel, uniform: np.ndarray, probability: float) -> np.ndarray:
    """Draws routes in which each branch runs with the same probability.

    A branch runs if its random number is below the probability. If no branch of a
    MixedOp does, but one must, the branch with the smallest number runs.

    Args:
        model: `RoutedModel` whose routes have weights of 0 or 1.
        uniform: Random numbers from 0 to 1, `(n, branches of all MixedOps)`.
        probability: Probability that a branch runs, 0 to 1.

    Returns:
        Flat routes `(n, branches of all MixedOps)`, float32.
    """
    parts = []
    for least, numbers in zip(
        model.least_branches, model.route_spec.split(uniform).values(), strict=True
    ):
        runs = numbers < probability
        if least:
            empty = ~runs.any(axis=1)
            runs[empty, numbers[empty].argmin(axis=1)] = True
        parts.append(runs)
    return np.concatenate(parts, axis=1).astype("float32")


def draw_for_cost(
    model: RoutedModel,
    costs: Callable[[np.ndarray], np.ndarray],
    mean: float,
    count: int,
    seed: int,
) -> np.ndarray:
    """Draws random routes with a given mean cost.

    Args:
        model: `RoutedModel` whose routes have weights of 0 or 1.
        costs: Function that returns the costs `(n,)` of flat routes `(n, branches of
            all MixedOps)`.
        mean: Mean cost of the routes, in the unit of `costs`.
        count: Number of routes.
        seed: Seed of the draw.

    Returns:
        Flat routes `(count, branches of all MixedOps)`, float32.
    """
    uniform = np.random.default_rng(seed).random((count, model.route_spec.size))
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        if costs(draw(model, uniform, middle)).mean() < mean:
            low = middle
        else:
            high = middle
    return draw(model, uniform, high)


def measure(source: Source, draws: int = 3, batch_size: int = 250) -> dict:
    """Measures the accuracy of a run on its test images, with four kinds of routes.

    Args:
        source: `Source` of a run.
        draws: Number of times that routes are drawn or put in another order.
        batch_size: Number of images in a batch.

    Returns:
        A dict ready for JSON: `source`, `images` and `draws`; `unit` of the costs;
        `distinct`, the number of different routes; `most_frequent`, the share of the
        images that take the most frequent route; `spread`, the cost of the router's
        routes at `QUANTILES`; and under `policies`, for each kind of routes,
        `accuracy` (the mean over the draws), `lowest` and `highest` accuracy, and the
        mean `cost`.

    Raises:
        UserError: If the network belongs to no run, or if routes of the network can
            have weights other than 0 and 1: only its router can compute these.
    """
    model = source.model
    if source.run is None:
        raise UserError(
            f"The routes of {source.name} mean nothing: name a trained run with "
            f"--run_dir instead of --untrained."
        )
    if not model.binary:
        raise UserError(
            f"{source.name} weighs the branches that it runs, and only its router can "
            f"compute these weights. Give the run of a DMNN or an InstaNAS."
        )
    _, table = load_table(source.run)
    priced = RouteCost(model.modules, table) if table else model.route_cost
    batches = functools.partial(source.dataset.batches, "test", batch_size)
    right, routes = _predict(model, batches())

    def costs(flat_routes):
        return np.asarray(priced.total(model.route_spec.split(flat_routes)))

    router_costs = costs(routes)
    mean, count = router_costs.mean(), len(routes)
    generator = np.random.default_rng(0)
    frequent_route, share = most_frequent(routes)
    forced_routes = {
        "other images'": [generator.permutation(routes) for _ in range(draws)],
        "random": [draw_for_cost(model, costs, mean, count, i) for i in range(draws)],
        "the most frequent": [np.tile(frequent_route, (count, 1))],
    }
    policies = {"the router's": _row([right.mean()], mean)}
    for name, arrays in forced_routes.items():
        accuracies = [_predict(model, batches(), array)[0].mean() for array in arrays]
        policies[name] = _row(accuracies, np.mean([costs(array) for array in arrays]))
    values = np.percentile(router_costs, list(QUANTILES.values())).tolist()
    return {
        "source": source.name,
        "images": count,
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
    """Classifies images, on the flat routes `routes` or else on those of the router.

    Returns whether each image was classified right, `(n,)`, and its flat route, `(n,
    branches of all MixedOps)`.
    """

    @tf.function(reduce_retracing=True)
    def step(images, route):
        forced = None if route is None else model.route_spec.split(route)
        with execution.scope(execution.dispatched):
            outputs = model(images, route=forced, training=False)
        return tf.argmax(outputs["logits"], -1), model.route_spec.flatten(
            outputs["route"]
        )

    right, flat_routes, start = [], [], 0
    for images, labels in batches:
        stop = start + len(labels)
        forced = None if routes is None else tf.constant(routes[start:stop])
        classes, flat_route = step(images, forced)
        right.append(classes.numpy() == np.asarray(labels))
        flat_routes.append(flat_route.numpy())
        start = stop
    return np.concatenate(right), np.concatenate(flat_routes)


def text(content: dict) -> str:
    """Returns the results of `measure` as text.

    Args:
        content: What `measure` returned.
    """
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


def main() -> None:
    """Runs the command on the flags."""
    content = measure(export_flags.source_from_flags(), FLAGS.draws)
    commands.report(content, text(content))


if __name__ == "__main__":
    export_flags.define_source()
    flags.declare_key_flag("run_dir")
    flags.DEFINE_integer(
        "draws",
        3,
        "Number of times that routes are drawn or put in another order.",
        lower_bound=1,
    )
    commands.define_json()
    commands.run(main)

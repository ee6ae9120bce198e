"""What a router is worth: its routes beside those of other images, and fixed ones."""

import collections
import dataclasses
from collections.abc import Callable

import numpy as np

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.evaluation import route_statistics, static_routes
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing.random_routes import draw_for_cost
from tfdyn.routing.route import RouteSpec, most_frequent

# Number of times that routes are permuted between images, or drawn at random.
DRAWS = 2


@dataclasses.dataclass(frozen=True)
class StaticFrontier:
    """The best fixed routes of a network, from cheap to dear.

    Attributes:
        runs: Boolean array `(k, branches of all MixedOps)`, which branches run.
        validation_accuracy: Accuracy by which they were chosen, `(k,)`.
        costs: Cost of each route, `(k,)`.
        right: Boolean array `(k, test images)`, whether a route classifies an image
            right.
        tried: Number of routes from which they were chosen.
        limit: Largest number of routes that could have been tried.
    """

    runs: np.ndarray
    validation_accuracy: np.ndarray
    costs: np.ndarray
    right: np.ndarray
    tried: int
    limit: int

    def content(self, spec: RouteSpec) -> dict:
        """Returns the frontier and its oracle, ready for JSON.

        Args:
            spec: `RouteSpec` of the network.
        """
        accuracy, cost = static_routes.oracle(self.right, self.costs)
        return {
            "tried": self.tried,
            "limit": self.limit,
            "possible": static_routes.count_routes(spec),
            "frontier": [
                {
                    "route": spec.to_text(runs),
                    "validation_accuracy": float(validation),
                    "accuracy": float(right.mean()),
                    "cost": float(cost_of_route),
                }
                for runs, validation, cost_of_route, right in zip(
                    self.runs,
                    self.validation_accuracy,
                    self.costs,
                    self.right,
                    strict=True,
                )
            ],
            "oracle": {"accuracy": accuracy, "cost": cost},
        }


class RouterWorth:
    """Compares the routes of a router with other routes through the same weights.

    Fixed routes are chosen on validation images and counted on test images. They do not
    pay for routers and gates, which they do not need.

    Args:
        model: `RoutedModel`, trained.
        table: `CostTable` in milliseconds, or `None` to count MACs.
        passes: `tfdyn.evaluation.passes.Passes` of the model, or an object with the
            same two methods.
        progress: Function of a text, which is called before each pass over a split.
    """

    def __init__(
        self,
        model: RoutedModel,
        table: CostTable | None,
        passes,
        progress: Callable[[str], object] = lambda text: None,
    ):
        self.spec, self.passes, self.progress = model.route_spec, passes, progress
        self.cost = RouteCost(model.modules, table) if table else model.route_cost
        self.static_cost = _static_cost(model, table)
        self._with_all = {}

    def find_static_routes(self, thresholds, most: int) -> StaticFrontier:
        """Finds the best fixed routes on the validation images.

        Args:
            thresholds: Values of T. The routes in use at each are tried first.
            most: Largest number of routes to try.
        """
        runs, accuracy, costs = self.try_static_routes(thresholds, most)
        kept = static_routes.frontier(accuracy, costs)
        right = [
            self.right("test", self.with_weights(route), "fixed route")
            for route in runs[kept]
        ]
        return StaticFrontier(
            runs[kept], accuracy[kept], costs[kept], np.stack(right), len(runs), most
        )

    def try_static_routes(self, thresholds, most: int) -> tuple:
        """Measures fixed routes on the validation images.

        Args:
            thresholds: Values of T. The commonest routes in use are tried first, half
                of `most` at the most.
            most: Largest number of routes to try.

        Returns:
            What `static_routes.search` returns.
        """
        in_use = collections.Counter()
        for threshold in thresholds:
            routes = np.asarray(self._images("validation", threshold)["route"])
            in_use.update(row.tobytes() for row in routes != 0)
        start = [np.ones(self.spec.size, bool), self._cheapest()]
        start += [np.frombuffer(r, bool) for r, _ in in_use.most_common(most // 2)]

        def measure(runs):
            route = self.with_weights(runs)
            right = self.right("validation", route, "fixed route")
            return right.mean(), self.cost_of_static(route[None])

        return static_routes.search(measure, self.spec, start, most)

    def content(self, thresholds, most: int) -> dict:
        """Compares the router with other routes at several T, as `at` does.

        Args:
            thresholds: Values of T.
            most: Largest number of fixed routes to try on the validation images.

        Returns:
            A dict ready for JSON: `unit` of all costs; `static`, the best fixed routes
            (`StaticFrontier.content`); and `thresholds`, a list of what `at` returns.
        """
        static = self.find_static_routes(thresholds, most)
        return {
            "unit": self.cost.unit,
            "static": static.content(self.spec),
            "thresholds": [self.at(threshold, static) for threshold in thresholds],
        }

    def at(self, threshold, static: StaticFrontier) -> dict:
        """Compares the routes of the router at one T with others, on the test images.

        Args:
            threshold: T, a number or a list with one number for each MixedOp.
            static: What `find_static_routes` returned.

        Returns:
            A dict ready for JSON: `threshold`; `rows`, for each kind of routes its
            `accuracy` and mean `cost`; `over_static` and `over_others`, how much higher
            the accuracy of the router's routes is, each a dict of `gain` and
            `standard_error` over the images; and the numbers of
            `route_statistics.describe`.
        """
        images = self._images("test", threshold)
        right, routes = images["predicted"] == images["label"], images["route"]
        costs = self._costs(self.cost, routes)
        generator = np.random.default_rng(0)
        others = [
            self.right("test", generator.permutation(routes), "others' routes")
            for _ in range(DRAWS)
        ]
        drawn = [self._draw(costs.mean(), len(routes), seed) for seed in range(DRAWS)]
        random = [self.right("test", each, "random routes") for each in drawn]
        frequent, _ = most_frequent(routes)
        shares = static_routes.mixture(static.costs, costs.mean())
        mixed = shares @ static.right
        rows = {
            "own": (right, costs.mean()),
            "others'": (np.mean(others, axis=0), costs.mean()),
            "most frequent": (
                self.right("test", frequent, "most frequent route"),
                self.cost_of_static(frequent[None]),
            ),
            "best static": (mixed, shares @ static.costs),
            "random": (
                np.mean(random, axis=0),
                np.mean([*map(self.cost_of_static, drawn)]),
            ),
        }
        confidence = self._images("test", 1.0)["confidence"]
        return {
            "threshold": threshold,
            "rows": {
                name: {"accuracy": float(np.mean(correct)), "cost": float(cost)}
                for name, (correct, cost) in rows.items()
            },
            "over_static": _gain(right, mixed),
            "over_others": _gain(right, rows["others'"][0]),
            **route_statistics.describe(
                routes, images["label"], costs, right, confidence
            ),
        }

    def right(self, split: str, routes: np.ndarray, text: str) -> np.ndarray:
        """Classifies images on given routes.

        Args:
            split: "validation" or "test".
            routes: Flat routes, `(n, branches)` for n images, or `(branches,)` for all.
            text: What the routes are, for people who wait.

        Returns:
            Boolean array `(n,)`, whether each image is classified right.
        """
        self.progress(f"{text}, {split} images")
        return self.passes.right(split, routes)

    def _images(self, split, threshold):
        """Returns what the router does at a T; with all branches, only once."""
        if threshold == 1.0 and split in self._with_all:
            return self._with_all[split]
        self.progress(f"own routes, {split} images")
        images = self.passes.images(split, threshold)
        if threshold == 1.0:
            self._with_all[split] = images
        return images

    def with_weights(self, runs: np.ndarray) -> np.ndarray:
        """Returns the flat route of some branches: `static_routes.with_weights`."""
        mean = self._images("validation", 1.0)["route"].mean(axis=0)
        return static_routes.with_weights(runs, self.spec, mean)

    def _cheapest(self):
        """Returns which branches the cheapest of all routes runs."""
        runs, branches = [], self.static_cost.branches
        for name, least in zip(
            self.spec.branches, self.spec.least_branches, strict=True
        ):
            part = np.zeros(len(branches[name]), bool)
            part[np.argsort(branches[name], kind="stable")[:least]] = True
            runs.append(part)
        return np.concatenate(runs)

    def _draw(self, cost, count, seed):
        def costs(runs):
            return self._costs(self.static_cost, runs)

        runs = draw_for_cost(self.spec, costs, cost, count, seed)
        return np.stack([self.with_weights(row) for row in runs != 0])

    def _costs(self, cost, routes):
        return np.asarray(cost.total(self.spec.split(routes)), float)

    def cost_of_static(self, routes: np.ndarray) -> float:
        """Returns the mean cost of flat routes `(n, branches)`, without routers."""
        return self._costs(self.static_cost, routes).mean()


def _static_cost(model, table):
    """Returns the `RouteCost` of fixed routes: without routers and gates."""
    table = table or CostTable.count(model.modules)
    table = CostTable(
        table.unit, table.modules, None, table.remainder, None, table.overflow
    )
    return RouteCost([m for m in model.modules if m.kind != "router"], table)


def _gain(right, others):
    """Returns how much higher a mean over images is, and its standard error."""
    difference = right.astype(float) - others
    error = difference.std(ddof=1) / np.sqrt(len(difference))
    return {"gain": float(difference.mean()), "standard_error": float(error)}

"""Passes over the images of a data set, by the router's routes or by given ones."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras import ops

from tfdyn.costs.cost_table import CostTable
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.layers import execution
from tfdyn.models.routed_model import RoutedModel


class Passes:
    """Runs a network on the images of a split, each branch only where it is needed.

    Args:
        model: `RoutedModel`, trained.
        table: `CostTable` in milliseconds, or `None` to count MACs.
        batches: Function of the name of a split, "validation" or "test", that returns
            an iterable of normalised images and labels, always in the same order.
    """

    def __init__(self, model: RoutedModel, table: CostTable | None, batches: Callable):
        self.batches, self._size = batches, model.route_spec.size
        self._evaluator = Evaluator(model, table)

        @tf.function(reduce_retracing=True)
        def step(images, labels, flat_route):
            with execution.scope(execution.dispatched):
                route = model.route_spec.split(flat_route)
                logits = model(images, route=route, training=False)["logits"]
            return ops.cast(ops.argmax(logits, -1), "int32") == ops.cast(
                labels, "int32"
            )

        self._step = step

    def images(self, split: str, threshold) -> dict[str, np.ndarray]:
        """Returns what `Evaluator.images` returns: the routes of the router at a T."""
        return self._evaluator.images(self.batches(split), threshold)

    def right(self, split: str, routes: np.ndarray) -> np.ndarray:
        """Classifies images on given routes.

        Args:
            split: "validation" or "test".
            routes: Flat routes, `(n, branches)` for n images, or `(branches,)` for all.

        Returns:
            Boolean array `(n,)`, whether each image is classified right.
        """
        results, start = [], 0
        for images, labels in self.batches(split):
            stop = start + len(labels)
            part = routes[start:stop] if routes.ndim == 2 else routes[None]
            part = np.broadcast_to(part, (len(labels), self._size))
            results.append(self._step(images, labels, tf.constant(part)).numpy())
            start = stop
        return np.concatenate(results)

"""Decision: which of a codebook's routes are still possible."""

import numpy as np
from keras import ops

from tfdyn.families.codebook.tree import Fork


class Decision:
    """Decides at each fork which routes are still possible for each image.

    What is possible is a tensor `(batch, K)`: 1 for each route that is, else 0. It has
    numbers, because files for phones have no `and` of booleans.

    Args:
        routes: K flat routes, an array `(K, branches)`.
        costs: The cost of each route, divided by that of the last one, `(K,)`.
    """

    def __init__(self, routes: np.ndarray, costs: np.ndarray):
        self.routes, self.costs = routes, costs

    def all_routes(self, images):
        """Returns 1 for all routes of each image."""
        return ops.ones((ops.shape(images)[0], len(self.routes)), "float32")

    def most_similar(self, flat_route):
        """Returns 1 for the route that is most similar to a given one, else 0.

        Args:
            flat_route: Tensor `(batch, branches)`.
        """
        flat_route = ops.cast(flat_route, "float32")
        distances = ops.sum(ops.abs(flat_route[:, None] - self.routes), axis=-1)
        nearest = ops.min(distances, axis=-1, keepdims=True)
        return self.first(ops.cast(distances <= nearest, "float32"))

    def first(self, marks):
        """Returns 1 for the first route of those that are marked with 1, else 0."""
        count = len(self.routes)
        before = np.triu(np.ones((count, count), "float32"), 1)
        return marks * (1.0 - ops.minimum(ops.matmul(marks, before), 1.0))

    def after(self, fork: Fork, possible, logits, threshold):
        """Returns which routes are possible after a fork.

        Args:
            fork: `Fork`.
            possible: Which routes are possible before it, `(batch, K)`.
            logits: What the router predicts of each route, `(batch, K)`.
            threshold: T, a scalar.
        """
        count = len(self.routes)
        members = fork.member_mask(count).astype("float32")
        # T times `p - lambda * cost`, which is finite however small T is.
        gain = threshold * ops.sigmoid(logits) - (1.0 - threshold) * self.costs
        # With T=1 the last route runs, whatever the routers predict.
        gain = ops.where(threshold >= 1.0, np.arange(count, dtype="float32"), gain)
        gain = ops.where(members > 0, gain, -1e9)
        # No `argmax`, which Keras computes by steps that files for phones do not have.
        best = ops.cast(gain >= ops.max(gain, axis=-1, keepdims=True), "float32")
        best = self.first(best)
        with_best = ops.matmul(best, fork.together(count).astype("float32"))
        here = ops.max(possible * members, axis=-1, keepdims=True)
        return possible * (here * with_best + 1.0 - here)

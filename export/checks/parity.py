"""Parity: whether an exported file computes what Keras computes."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.layers import execution
from tfdyn.routing.threshold import threshold_per_mixed_op

# A route may differ where a sum of weights is this near to T.
ROUTE_MARGIN = 1e-4


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """What a file may differ in from Keras.

    Attributes:
        logits: Largest difference of a logit, where the routes agree.
        top1: Share of the images that must have the same class.
        route_margin: How near to T a sum of weights is where a route may differ, or
            `None`: weights were rounded, and so were the routers'.
    """

    logits: float
    top1: float
    route_margin: float | None


TOLERANCES = {
    "float32": Tolerance(1e-3, 1.0, ROUTE_MARGIN),
    "float16": Tolerance(0.1, 0.99, None),
    "dynamic": Tolerance(float("inf"), 0.9, None),
}


class Reference:
    """Keras's outputs, each branch on the rows that chose it, traced once.

    Args:
        model: `RoutedModel`.
    """

    def __init__(self, model):
        self._model = model

        @tf.function(reduce_retracing=True, autograph=False)
        def routed(images, thresholds):
            return self._outputs(images, threshold=thresholds)

        @tf.function(reduce_retracing=True, autograph=False)
        def forced(images, route):
            return self._outputs(images, route=model.route_spec.split(route))

        self._routed, self._forced = routed, forced

    def __call__(self, images, threshold=1.0, route=None, batch_size=250):
        """Returns logits `(n, classes)` and routes `(n, branches of all MixedOps)`.

        Args:
            images: Normalised images `(n, height, width, channels)`.
            threshold: T: a number, or one a MixedOp, for all images or for each.
            route: Routes to force, of the second result's shape, or `None`.
            batch_size: Images at once.
        """
        results = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            if route is not None:
                results.append(self._forced(images[part], route[part]))
            else:
                count = len(self._model.mixed_ops)
                thresholds = threshold_per_mixed_op(threshold, count)
                results.append(self._routed(images[part], thresholds))
        logits, routes = zip(*results, strict=True)
        return np.concatenate(logits), np.concatenate(routes)

    def _outputs(self, images, **arguments):
        with execution.scope(execution.dispatched):
            outputs = self._model(images, training=False, **arguments)
        return outputs["logits"], self._model.route_spec.flatten(outputs["route"])

    def margin(self, image, threshold, differing):
        """How near to T the weights of one image come at a MixedOp.

        Args:
            image: Normalised image `(height, width, channels)`.
            threshold: T, a number or a list with one a MixedOp.
            differing: Index of the MixedOp.
        """
        count = len(self._model.mixed_ops)
        thresholds = threshold_per_mixed_op(threshold, count)
        own, thresholds[differing:] = thresholds[differing], 1.0
        _, (route,) = self(image[None], thresholds)
        # At T=1 the route is all weights, as they are before the selection.
        weights = list(self._model.route_spec.split(route).values())[differing]
        return np.abs(np.cumsum(np.sort(weights)[::-1]) - own).min()

    def first_difference(self, route, other):
        """Index of the first MixedOp where two routes run other branches, or `None`."""
        differs = (np.asarray(route) != 0) != (np.asarray(other) != 0)
        for index, part in enumerate(self._model.route_spec.split(differs).values()):
            if part.any():
                return index
        return None


def compare(reference, images, expected, actual, threshold, tolerance, scaled=False):
    """Compares an exported file's outputs with Keras's.

    Args:
        reference: `Reference`.
        images: Normalised images.
        expected: Logits and routes of Keras.
        actual: Logits and routes of the file.
        threshold: T, a number or a list with one a MixedOp.
        tolerance: `Tolerance`.
        scaled: Whether logits are compared in shares of the largest: random weights
            give logits of any size.

    Returns:
        A dict: `images`, `same_top1`, `same_route`, `route_near_threshold`,
        `max_logit_difference` (where the routes agree).

    Raises:
        ValueError: If they differ by more than the tolerance.
    """
    (logits, routes), (other_logits, other_routes) = expected, actual
    scale = np.abs(logits).max() if scaled else 1.0
    first = [
        reference.first_difference(a, b)
        for a, b in zip(routes, other_routes, strict=True)
    ]
    same_route = np.array([index is None for index in first])
    near = 0
    for row in np.flatnonzero(~same_route) if tolerance.route_margin else ():
        margin = reference.margin(images[row], threshold, first[row])
        if margin > tolerance.route_margin:
            raise UserError(
                f"The route of image {row} differs from that in Keras at MixedOp "
                f"{first[row]}, where no sum of weights is within "
                f"{tolerance.route_margin:g} of T={threshold} (but {margin:.2g})."
            )
        near += 1
    difference = np.abs(logits - other_logits).max(axis=-1) / scale
    largest = float(difference[same_route].max(initial=0.0))
    if not largest <= tolerance.logits:
        raise UserError(
            f"Logits differ from Keras's by {largest:.3g}, more than "
            f"{tolerance.logits:g}, where the routes agree."
        )
    same_top1 = logits.argmax(-1) == other_logits.argmax(-1)
    checked = same_top1[same_route] if tolerance.route_margin else same_top1
    if len(checked) and checked.mean() < tolerance.top1:
        raise UserError(
            f"{np.sum(~checked)} of {len(checked)} images have another class than in "
            f"Keras; at most {1 - tolerance.top1:.0%} may."
        )
    return {
        "images": len(images),
        "same_top1": int(same_top1.sum()),
        "same_route": int(same_route.sum()),
        "route_near_threshold": near,
        "max_logit_difference": largest,
    }

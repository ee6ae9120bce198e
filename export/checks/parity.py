"""Parity: checks whether an exported file computes what Keras computes."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.layers import execution
from tfdyn.routing.threshold import threshold_per_mixed_op

# A router selects its largest weights until their sum reaches T. If a sum is as near to
# T as this, a rounding error may change which branches run.
ROUTE_MARGIN = 1e-4


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """Says how much a file's outputs may differ from Keras's.

    Attributes:
        logits: Largest difference of a logit, for images with the same route.
        top1: Smallest share of the images, 0 to 1, that must have the same class.
        route_margin: A route may differ from Keras's at a MixedOp if a sum of its
            largest weights is at most this far from T. `None` allows all differences,
            because the parameters of the routers were rounded.
    """

    logits: float
    top1: float
    route_margin: float | None


ADVICE = "Nothing was exported: use --precision=float32 or, if you did, report this."
TOLERANCES = {
    "float32": Tolerance(1e-3, 1.0, ROUTE_MARGIN),
    "float16": Tolerance(0.1, 0.99, None),
    "dynamic": Tolerance(float("inf"), 0.9, None),
}


class Reference:
    """Computes outputs in Keras, and runs each branch on the images that chose it.

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

    def __call__(
        self,
        images: np.ndarray,
        threshold=1.0,
        route: np.ndarray | None = None,
        batch_size: int = 250,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the logits and the flat routes of images.

        Args:
            images: Normalised float32 images `(n, height, width, channels)`.
            threshold: T in (0, 1], as `tfdyn.routing.threshold.threshold_per_mixed_op`
                accepts it: a number, or one for each MixedOp.
            route: Flat routes `(n, branches of all MixedOps)` to run instead of those
                of the routers, or `None`.
            batch_size: Number of images that run at once.

        Returns:
            Logits `(n, classes)` and flat routes `(n, branches of all MixedOps)`.
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

    def margin(self, image: np.ndarray, threshold, index: int) -> float:
        """Returns how near to T the sums of a MixedOp's largest weights come.

        Args:
            image: Normalised float32 image `(height, width, channels)`.
            threshold: T, a number or a list with one for each MixedOp.
            index: Index of the MixedOp.
        """
        count = len(self._model.mixed_ops)
        thresholds = threshold_per_mixed_op(threshold, count)
        threshold_here, thresholds[index:] = thresholds[index], 1.0
        _, (route,) = self(image[None], thresholds)
        # T=1 selects every branch, so these are all weights of the router.
        weights = list(self._model.route_spec.split(route).values())[index]
        return np.abs(np.cumsum(np.sort(weights)[::-1]) - threshold_here).min()

    def first_difference(self, route_a, route_b) -> int | None:
        """Returns the index of the first MixedOp that runs different branches.

        Args:
            route_a: Flat route `(branches of all MixedOps,)`.
            route_b: Flat route of the same shape.

        Returns:
            The index, or `None` if the two routes run the same branches.
        """
        differs = (np.asarray(route_a) != 0) != (np.asarray(route_b) != 0)
        for index, part in enumerate(self._model.route_spec.split(differs).values()):
            if part.any():
                return index
        return None


def compare(
    reference: Reference,
    images: np.ndarray,
    expected: tuple[np.ndarray, np.ndarray],
    actual: tuple[np.ndarray, np.ndarray],
    threshold,
    tolerance: Tolerance,
    scaled: bool = False,
) -> dict:
    """Compares an exported file's outputs with Keras's.

    Args:
        reference: `Reference` of the network.
        images: Normalised float32 images `(n, height, width, channels)`.
        expected: Logits `(n, classes)` and flat routes `(n, branches of all MixedOps)`
            of Keras.
        actual: Logits and flat routes of the file, of the same shapes.
        threshold: T, a number or a list with one for each MixedOp.
        tolerance: `Tolerance`.
        scaled: Whether differences of logits are divided by the largest logit, because
            logits of random weights may have any size.

    Returns:
        A dict of numbers of images: `images` (all), `same_top1`, `same_route`, and
        `route_near_threshold` (the routes differ, but within the tolerance's margin;
        0 if it has none). Also `max_logit_difference`, over the images with the same
        route.

    Raises:
        UserError: If the outputs differ by more than the tolerance.
    """
    (logits, routes), (file_logits, file_routes) = expected, actual
    scale = np.abs(logits).max() if scaled else 1.0
    first = [
        reference.first_difference(route, file_route)
        for route, file_route in zip(routes, file_routes, strict=True)
    ]
    same_route = np.array([index is None for index in first])
    near = 0
    for row in np.flatnonzero(~same_route) if tolerance.route_margin else ():
        margin = reference.margin(images[row], threshold, first[row])
        if margin > tolerance.route_margin:
            raise UserError(
                f"The route of image {row} differs from Keras's at MixedOp "
                f"{first[row]}. That is allowed if a sum of its weights is within "
                f"{tolerance.route_margin:g} of T={threshold}; the nearest is "
                f"{margin:.2g} away. {ADVICE}"
            )
        near += 1
    difference = np.abs(logits - file_logits).max(axis=-1) / scale
    largest = float(difference[same_route].max(initial=0.0))
    if not largest <= tolerance.logits:
        raise UserError(
            f"Logits differ from Keras's by {largest:.3g} for images with the same "
            f"route; at most {tolerance.logits:g} is allowed. {ADVICE}"
        )
    same_top1 = logits.argmax(-1) == file_logits.argmax(-1)
    relevant = same_top1[same_route] if tolerance.route_margin else same_top1
    if len(relevant) and relevant.mean() < tolerance.top1:
        raise UserError(
            f"{np.sum(~relevant)} of {len(relevant)} images have another class than in "
            f"Keras; at most {1 - tolerance.top1:.0%} may. {ADVICE}"
        )
    return {
        "images": len(images),
        "same_top1": int(same_top1.sum()),
        "same_route": int(same_route.sum()),
        "route_near_threshold": near,
        "max_logit_difference": largest,
    }

"""Parity: checks whether an exported file computes what Keras computes."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.layers import execution
from tfdyn.routing.threshold import threshold_per_mixed_op

# A router compares sums of weights (DRNet) or probabilities (DMNN, InstaNAS) with T. If
# one is as near to T as this, a rounding error may change which branches run.
ROUTE_MARGIN = 1e-4


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """Says how much a file's outputs may differ from Keras's.

    Attributes:
        logits: Largest difference of a logit, for images with the same route.
        top1: Smallest share of the images, 0 to 1, that must have the same class.
        route_margin: A route may differ from Keras's in branches whose selection
            changes when T changes by this much. `None` allows all differences, because
            the parameters of the routers were rounded.
    """

    logits: float
    top1: float
    route_margin: float | None


ADVICE = "Nothing was exported: use --precision=float32 or, if you did, report this."
TOLERANCES = {
    "float32": Tolerance(1e-3, 1.0, ROUTE_MARGIN),
    "float16": Tolerance(0.1, 0.99, None),
    "dynamic": Tolerance(float("inf"), 0.9, None),
    "int8": Tolerance(float("inf"), 0.9, None),
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

    def near_threshold(
        self, image: np.ndarray, threshold, index: int, route, margin: float
    ) -> bool:
        """Returns whether rounding may be why a MixedOp runs other branches.

        It may if every branch that differs is selected on one side of T, at T - margin
        or T + margin, and not on the other. So the sum of weights (DRNet) or the
        probability (DMNN, InstaNAS) that is compared with T is that near to it.

        Args:
            image: Normalised float32 image `(height, width, channels)`.
            threshold: T, a number or a list with one for each MixedOp.
            index: Index of the MixedOp. Those before it run the same branches in Keras
                and in the file.
            route: Flat route of the file `(branches of all MixedOps,)`.
            margin: Largest distance from T.
        """
        thresholds = threshold_per_mixed_op(threshold, len(self._model.mixed_ops))
        # A router of a codebook decides for a whole part, by one T.
        ends = np.cumsum([len(part) for part in self._model.parts])
        part = int(np.searchsorted(ends, index, side="right"))
        of_part = slice(ends[part] - len(self._model.parts[part]), ends[part])
        here, runs = thresholds[of_part].copy(), []
        for change in (0, -margin, margin):
            tiny = np.finfo("float32").tiny
            thresholds[of_part] = np.clip(here + change, tiny, 1.0)
            _, (keras_route,) = self(image[None], thresholds)
            runs.append(self._part(keras_route, index) != 0)
        differs = runs[0] != (self._part(route, index) != 0)
        return bool((runs[1] != runs[2])[differs].all())

    def _part(self, route, index):
        return list(self._model.route_spec.split(np.asarray(route)).values())[index]

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
        place = images[row], threshold, first[row], file_routes[row]
        if not reference.near_threshold(*place, tolerance.route_margin):
            raise UserError(
                f"The route of image {row} differs from Keras's at MixedOp "
                f"{first[row]}. That is allowed only for branches that are selected "
                f"within {tolerance.route_margin:g} of T={threshold}. {ADVICE}"
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

"""Form ranges: the ranges of a network's activations, for what a file may be asked."""

import dataclasses
import hashlib

import numpy as np

from export.graph.calibration import calibrate
from export.graph.form import Form
from export.graph.ranges import Ranges
from tfdyn.data.input_format import InputFormat


def form_ranges(
    model,
    input_format: InputFormat,
    form: Form,
    images: np.ndarray,
    origin: str,
    route: np.ndarray | None = None,
) -> Ranges:
    """Observes the ranges of a network's activations for a file of some form.

    Args:
        model: `RoutedModel`.
        input_format: `InputFormat` of its images.
        form: `Form` of the file.
        images: uint8 images `(n, height, width, channels)`, at least
            `export.graph.calibration.BATCH`.
        origin: What the images are, for people.
        route: Flat route `(branches of all MixedOps,)` of the fixed variant, or `None`.

    Returns:
        `Ranges`. Their provenance has, beside what `calibrate` says, `of` (the origin),
        `sha256` (of the images' bytes) and `at`: the T whose routes ran, or "the fixed
        route".

    Raises:
        UserError: As from `calibrate`.
    """
    # Where any T or route may be asked for, sums must not overflow with all branches.
    all_branches = form.threshold_input or form.variant in ("all_branches", "forced")
    threshold = 1.0 if all_branches else form.threshold
    normalized = np.asarray(input_format.normalize(images))
    ranges = calibrate(model, normalized, threshold, route)
    # As in `calibrate`: it leaves out what fills no batch.
    seen = np.ascontiguousarray(images[: ranges.provenance["images"]])
    provenance = {
        **ranges.provenance,
        "of": origin,
        "sha256": hashlib.sha256(seen.tobytes()).hexdigest(),
        "at": threshold if route is None else "the fixed route",
    }
    return dataclasses.replace(ranges, provenance=provenance)

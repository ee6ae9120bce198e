"""Fits the biases of gates on images, so that a target share of these opens them."""

from collections.abc import Callable
from typing import TextIO

import keras
import numpy as np

from tfdyn.families.dmnn.dmnn import DMNN


def fit(model: DMNN, batches: Callable | None, output: TextIO | None = None) -> None:
    """Sets the biases of a trained DMNN so that its target rate is met in inference.

    A pass over the images shows by how much to move the bias of each gate. Because an
    earlier gate changes what later routers see, there are more passes until nothing
    moves. If each gate has the target, that is after at most one pass for each block.

    Args:
        model: `DMNN` with a `rate_control`. It is changed in place.
        batches: Function without arguments that returns an iterable of images and
            labels, always the same images; `None` if there are none to fit on. The
            biases then stay as they are.
        output: Stream for a line that says what was fitted.
    """
    control, write = model.rate_control, output.write if output else lambda text: None
    if batches is None:
        write(
            "no images are held out to fit the biases of the gates on: they stay as "
            "the training left them (hold some out with --validation_share)\n"
        )
        return
    # On several replicas the variable has a copy on each.
    target = float(keras.ops.convert_to_numpy(control.target_rate))
    most = 2 * len(model.routers) + 1
    damping, before = 1.0, 0.0
    for passes in range(1, most + 1):
        margins = np.concatenate(
            [
                keras.ops.convert_to_numpy(model.margins(images))
                for images, _ in batches()
            ]
        )
        changes = _changes(margins, control.shares, target)
        if passes == most or not changes.any():
            break
        if control.shares is not None and before * changes[0] < 0:
            damping /= 2  # All gates move at once, which may move too much.
        before = changes[0]
        control.add(model.routers, damping * changes)
    rates = (margins > 0).mean(axis=0)
    whole = 100 * np.average(rates, weights=control.shares)
    write(
        f"biases of the gates: fitted on {len(margins)} validation images in {passes} "
        f"passes; {whole:.2f} % of the sub-blocks run (target {100 * target:g} %), "
        f"each for {100 * rates.min():.1f} to {100 * rates.max():.1f} % of the images\n"
    )


def _changes(margins, shares, target):
    """Returns what to add to the bias of each gate, a float32 array `(gates,)`."""
    images, gates = margins.shape
    if shares is None:
        even = np.ones(images)
        changes = [shift(column, even, target) for column in margins.T]
    else:
        weights = np.broadcast_to(shares, margins.shape).ravel()
        changes = [shift(margins.ravel(), weights, target)] * gates
    return np.array(changes, "float32")


def shift(margins: np.ndarray, weights: np.ndarray, target: float) -> float:
    """Returns what to add to all margins so that a target share of them is above 0.

    Args:
        margins: Array `(n,)`.
        weights: Array `(n,)` of what each margin counts, above 0.
        target: Share of the weights, from 0 to 1.

    Returns:
        0 if no other number comes nearer to the target; else the number that puts 0
        in the middle between the last margin above it and the first below.
    """
    order = np.argsort(-margins, kind="stable")
    margins = margins[order].astype(float)
    above = np.concatenate([[0.0], np.cumsum(weights[order], dtype=float)])
    distances = np.abs(above / above[-1] - target)
    # Equal margins lie on the same side of 0.
    apart = np.concatenate([[True], np.diff(margins) < 0, [True]])
    distances[~apart] = np.inf
    best = int(np.argmin(distances))
    if distances[best] >= distances[(margins > 0).sum()]:
        return 0.0
    bounds = np.concatenate([[margins[0] + 2], margins, [margins[-1] - 2]])
    return -float(bounds[best] + bounds[best + 1]) / 2

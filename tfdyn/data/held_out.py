"""Which images are held out for validation. Nothing here needs TensorFlow."""

import hashlib
from collections.abc import Sequence

import numpy as np


def hold_out_mask(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Draws the images to hold out, the same share of each class.

    If `share` is above 0 and a class has two or more images, at least one of them is
    held out and at least one is not.

    Args:
        labels: Integer array `(images,)`.
        share: Share of the images to hold out, between 0 and 1.
        seed: Seed; the same seed draws the same images.

    Returns:
        Boolean array `(images,)`, true for an image that is held out.
    """
    mask = np.zeros(len(labels), bool)
    generator = np.random.default_rng(seed)
    for label in np.unique(labels) if share else ():
        members = generator.permutation(np.flatnonzero(labels == label))
        count = max(1, round(share * len(members)))
        mask[members[: min(count, len(members) - 1)]] = True
    return mask


def hold_out_mask_by_name(
    names: Sequence[str], labels: np.ndarray, share: float, seed: int
) -> np.ndarray:
    """Draws the images to hold out, each by its own name alone.

    So an image stays on its side when others are added or removed, and about the same
    share of each class is held out. If `share` is above 0 and a class has two or more
    images, at least one of them is held out and at least one is not. Only in a class
    too small for this to happen by itself, it depends on the other images.

    Args:
        names: Names of the images.
        labels: Integer array `(images,)`.
        share: Share of the images to hold out, between 0 and 1.
        seed: Seed; the same seed draws the same images.

    Returns:
        Boolean array `(images,)`, true for an image that is held out.
    """
    places = np.array([_place(name, seed) for name in names])
    mask = places < share
    for label in np.unique(labels) if share else ():
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(places[members], kind="stable")]
        mask[members[0]] = len(members) > 1
        mask[members[-1]] = False
    return mask


def _place(name, seed):
    """Returns a number in [0, 1) that depends on a name and the seed."""
    content = f"{seed}/{name}".encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(content).digest()
    return int.from_bytes(digest[:6], "big") / 2**48

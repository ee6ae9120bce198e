"""Sizes of networks: bounds that are checked before memory is taken.

A flag or a file from elsewhere may hold any number. A network of 100,000 cells fills
the memory, or takes hours, before it is built.
"""

import numbers
from collections.abc import Iterable

from tfdyn.errors import UserError

# Largest values of arguments that several families have. For `stages` it holds for
# each of the numbers that describe a stage.
LARGEST = {"num_classes": 100_000, "stages": 10_000, "head_filters": 10_000}
LARGEST_SIDE = 8192
# About ten times those of the largest networks of the papers.
LARGEST_BRANCHES, LARGEST_WEIGHTS = 5000, 2**30


def image_shape(shape) -> list[int]:
    """Returns the `input_shape` of a network as a list.

    Args:
        shape: Height and width of the images, in pixels, and their channels: a tuple,
            list or array.

    Raises:
        UserError: If it is not three whole numbers from 1 to 8192.
    """
    sizes = list(shape) if isinstance(shape, Iterable) else []
    whole = all(isinstance(size, numbers.Integral) for size in sizes)
    if len(sizes) != 3 or not (whole and 0 < min(sizes) <= max(sizes) <= LARGEST_SIDE):
        raise UserError(
            f"input_shape must be (height, width, channels), three whole numbers from "
            f"1 to {LARGEST_SIDE}; got {shape!r}."
        )
    return [int(size) for size in sizes]


def check_sizes(arguments: dict, at_most: dict) -> None:
    """Checks the numbers that a network is built from.

    Args:
        arguments: Dict of the arguments of a model.
        at_most: Dict from names of further arguments to their largest values.

    Raises:
        UserError: If an argument is too large.
    """
    for name, most in {**LARGEST, **at_most}.items():
        value = arguments.get(name, 0)
        for number in sum(value, []) if name == "stages" and value else [value]:
            if isinstance(number, numbers.Real) and not number <= most:
                raise UserError(
                    f"{name} must be at most {most}; got {number}. Pass a smaller "
                    f"number."
                )


def check_total(branches: int, weights: int) -> None:
    """Checks that a network is not too large to be built.

    Args:
        branches: Number of branches of all MixedOps.
        weights: Number of weights of all branches, estimated.

    Raises:
        UserError: If it is.
    """
    for name, number, most in (
        ("branches", branches, LARGEST_BRANCHES),
        ("weights", weights, LARGEST_WEIGHTS),
    ):
        if number > most:
            raise UserError(
                f"The network would have about {number:.2g} {name}, and at most "
                f"{most:.2g} can be built. Pass smaller numbers of cells, nodes, "
                f"blocks or filters."
            )

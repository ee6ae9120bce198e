"""Absurd sizes are refused before memory is taken."""

import re

import numpy as np
import pytest
from tiny_networks import IMAGES, make, make_dmnn, make_instanas

from tfdyn.errors import UserError
from tfdyn.models.sizes import check_sizes, image_shape

ABSURD = [
    (make, {"num_cells": 100_000}, "num_cells must be at most 200; got 100000"),
    (make, {"filters": 10**8}, "filters must be at most"),
    (make, {"num_nodes": 10**9}, "num_nodes must be at most"),
    (make, {"num_classes": 10**9}, "num_classes must be at most"),
    (make, {"filters": 4096, "num_cells": 9}, r"would have about .* weights"),
    (make, {"num_cells": 200, "num_nodes": 32}, r"would have about .* branches"),
    (make, {"num_cells": float("nan")}, "num_cells"),
    (make, {"input_shape": (None, None, 3)}, "three whole numbers.*got .None"),
    (make, {"input_shape": (10**5, 10**5, 3)}, "from 1 to 8192"),
    (make_dmnn, {"stages": [(8, 4, 10**6, 1)]}, "stages must be at most 10000"),
    (make_dmnn, {"stages": [(8, 4, 9999, 1)]}, r"about .* branches"),
    (make_dmnn, {"stages": [(9999, 4, 99, 1)]}, r"about .* weights"),
    (make_dmnn, {"sub_blocks": 10**6}, "sub_blocks must be at most"),
    (make_instanas, {"stages": [(8, 9999, 1)]}, r"about .* branches"),
    (make_instanas, {"head_filters": 10**9}, "head_filters must be at most"),
]


@pytest.mark.parametrize("make, changes, message", ABSURD)
def test_an_absurd_size_is_refused(make, changes, message):
    with pytest.raises(UserError, match=message):
        make(**changes)


@pytest.mark.parametrize("make", [make, make_dmnn, make_instanas])
@pytest.mark.parametrize(
    "shape", [(8, 8), (1, 8, 8, 1), 8, None, "abc", (8.0, 8, 1), (0, 8, 1)], ids=str
)
def test_a_shape_is_three_whole_numbers(make, shape):
    with pytest.raises(UserError, match=f"three whole.*got {re.escape(repr(shape))}"):
        make(input_shape=shape)


def test_a_shape_may_come_from_an_array():
    assert image_shape(np.asarray(IMAGES.shape[1:])) == [8, 8, 1]


def test_arguments_that_a_family_does_not_have_are_not_missed():
    check_sizes({"num_classes": 2}, {"num_cells": 3})

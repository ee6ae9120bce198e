"""RouteTree: forks by hand."""

import numpy as np

from tfdyn.families.codebook.tree import Fork, RouteTree


def tree(*parts):
    return RouteTree([np.asarray(part, "float32") for part in parts])


def test_routes_that_are_nested_in_depth_leave_one_at_a_time():
    forks = tree([[1]] * 3, [[0], [1], [1]], [[0], [0], [1]]).forks
    assert forks == [
        [],
        [Fork((0, 1, 2), ((0,), (1, 2)))],
        [Fork((1, 2), ((1,), (2,)))],
    ]


def test_a_part_may_have_several_forks_and_a_fork_several_groups():
    forks = tree(
        [[0, 0], [0, 1], [1, 0], [0, 1], [0, 0]],
        [[1], [0], [0], [1], [0.5]],
    ).forks
    first, second = forks
    assert first == [Fork((0, 1, 2, 3, 4), ((0, 4), (1, 3), (2,)))]
    assert second == [Fork((0, 4), ((0,), (4,))), Fork((1, 3), ((1,), (3,)))]


def test_equal_routes_have_no_fork():
    assert tree([[1], [1]], [[0], [0]]).forks == [[], []]


def test_masks_of_a_fork():
    fork = Fork((0, 2, 3), ((0, 3), (2,)))
    assert fork.member_mask(5).tolist() == [True, False, True, True, False]
    expected = np.zeros((5, 5), bool)
    expected[0, 0] = expected[3, 3] = expected[0, 3] = expected[3, 0] = True
    expected[2, 2] = True
    np.testing.assert_array_equal(fork.together(5), expected)

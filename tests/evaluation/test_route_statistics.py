"""Numbers that say how far routes depend on the image."""

import numpy as np
import pytest

from tfdyn.evaluation.route_statistics import describe, mutual_information


def test_information_of_a_route_that_is_the_class():
    classes = np.arange(400) % 4
    assert mutual_information(classes, classes) == pytest.approx(2)
    assert mutual_information(classes // 2, classes) == pytest.approx(1)


def test_information_of_one_route_for_all_and_of_independent_ones_is_none():
    classes = np.arange(400) % 4
    assert mutual_information(np.zeros(400, int), classes) == pytest.approx(0)
    assert mutual_information(np.arange(400) // 200, classes) == pytest.approx(0)


def test_rounding_never_makes_information_negative():
    for count in range(2, 100):
        classes = np.arange(count) % 10
        assert mutual_information(np.zeros(count, int), classes) >= 0


def test_the_numbers_of_six_images():
    routes = np.array([[1, 0], [1, 0], [0.5, 0.5], [0.4, 0.6], [1, 0], [0, 1]])
    costs = np.array([1.0, 1.0, 3.0, 3.0, 1.0, 3.0])
    right = np.array([1, 1, 1, 0, 1, 0], bool)
    confidence = np.array([0.9, 0.8, 0.5, 0.4, 0.6, 0.1])
    labels = np.array([0, 0, 1, 1, 0, 1])
    numbers = describe(routes, labels, costs, right, confidence)
    assert numbers["routes_in_use"] == 3
    assert numbers["most_frequent_share"] == 0.5
    assert numbers["cost_spread"] == pytest.approx(0.5)
    assert numbers["information"] == pytest.approx(1)
    assert 0 < numbers["information_by_chance"] < 1
    assert numbers["cost_right"] == 1.5 and numbers["cost_wrong"] == 3
    assert numbers["cost_easy"] == 1 and numbers["cost_hard"] == 3


def test_no_image_is_wrong():
    ones = np.ones(3)
    numbers = describe(ones[:, None], np.arange(3), ones, ones == 1, ones)
    assert numbers["cost_wrong"] is None and numbers["cost_right"] == 1

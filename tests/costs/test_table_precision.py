"""Precision of tables: which files a table's times are those of."""

import pytest

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.provenance import origin
from tfdyn.costs.table_precision import check_precision, precision_of


def table(**provenance):
    return CostTable("ms", {"KEY": {"cost": 1.0}}, provenance=provenance)


def test_a_table_that_names_none_is_of_float32():
    assert precision_of(table()) == "float32"
    assert precision_of(table(precision="int8")) == "int8"
    check_precision(table(), "float32", "runs/a")
    check_precision(table(precision="int8"), "int8", "runs/a")


@pytest.mark.parametrize(
    ("there", "here", "command"),
    [
        ({}, "int8", "--run_dir=runs/a --precision=int8` and"),
        ({"precision": "int8"}, "float32", "--run_dir=runs/a` and"),
        ({"precision": ["x"]}, "float32", "holds times of .'x'."),
    ],
)
def test_another_is_refused_with_the_command_that_makes_it(there, here, command):
    with pytest.raises(ValueError, match=command):
        check_precision(table(**there), here, "runs/a")


def test_the_origin_names_another_precision_than_float32():
    host = {"device": {"device": "host", "processor": "A"}, "num_threads": 1}
    assert "1 thread, int8)" in origin(table(**host, precision="int8"))
    assert "float32" not in origin(table(**host, precision="float32"))

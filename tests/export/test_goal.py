"""Exports whose T keeps a budget or a target rate."""

import shutil

import pytest
from tiny_networks import latency_table
from tiny_settings import tiny_settings

from export import gates, goal
from export import source as sources
from export.graph.form import Form
from tfdyn.evaluation.thresholds import BUDGET_MS, TARGET_RATE


@pytest.fixture(scope="module")
def source(tiny_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("budget") / "run"
    source = sources.from_run(shutil.copytree(tiny_run.path, folder))
    latency_table(source.model).save(folder / "latency.host.json")
    return source


def test_the_form_gets_the_threshold_that_was_found(source):
    form = Form(threshold=0.5, preprocess=False)
    new_form, row = goal.meet(source, form, BUDGET_MS, 100.0)
    assert new_form == Form(threshold=1.0, preprocess=False)
    assert row["threshold"] == 1.0 and row["budget_ms"] == 100.0
    line = goal.line(row)
    assert line.startswith("budget 100 ms: T=1, ")
    table = source.run / "latency.host.json"
    assert line.endswith(f"by {table}, measured on an unknown device")
    assert row["cost_table_origin"] == "measured on an unknown device"


def test_a_table_of_another_precision_is_refused(source):
    table = source.run / "latency.host.json"
    message = "holds times of float32.*--precision=int8` and name it"
    with pytest.raises(ValueError, match=message):
        goal.meet(source, Form(), BUDGET_MS, 100.0, table, "int8")
    with pytest.raises(ValueError, match="no latency table of int8"):
        goal.meet(source, Form(), BUDGET_MS, 100.0, precision="int8")
    with pytest.raises(ValueError, match=message):
        gates.leave_out(source, Form(), table, "int8")


def test_a_target_rate_needs_no_table(source):
    form, row = goal.meet(source, Form(), TARGET_RATE, 0.6)
    assert form.threshold == row["threshold"] < 1
    assert row["validation_rate"] <= 0.6 and "cost_table" not in row
    assert goal.line(row).startswith(f"target rate 0.6: T={form.threshold:.8g}, ")


@pytest.mark.parametrize("variant", ["all_branches", "fixed", "forced"])
def test_other_variants_have_no_threshold_inside(source, variant):
    with pytest.raises(ValueError, match=f"--variant={variant} the file stores none"):
        goal.meet(source, Form(variant), BUDGET_MS, 100.0)


def test_nor_has_a_file_whose_threshold_is_an_input(source):
    with pytest.raises(ValueError, match="--threshold_input the file stores none"):
        goal.meet(source, Form(threshold_input=True), TARGET_RATE, 0.5)


def test_an_untrained_network_has_no_validation_images():
    source = sources.untrained(tiny_settings(), "tiny")
    with pytest.raises(ValueError, match="got tiny, untrained. Name a run"):
        goal.meet(source, Form(), BUDGET_MS, 1.0)

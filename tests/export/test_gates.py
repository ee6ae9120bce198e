"""Gates: which are left out."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import IMAGES, latency_table, make, sharpen

from export import gates
from export import source as sources
from export.graph import trace
from export.graph.form import Form
from tfdyn.costs.cost_table import CostTable
from tfdyn.data.dataset import load
from tfdyn.data.input_format import InputFormat

FORMAT = InputFormat(("a", "b", "c"), (8, 8, 1), (0.4,), (0.5,))


@pytest.fixture(scope="module")
def model():
    return sharpen(make(auxiliary_head=False))


def branches(model):
    return [module for module in model.modules if module.kind == "branch"]


def shares(model, share):
    return {
        op.name: {branch.name: share for branch in op.branches}
        for op in model.mixed_ops
    }


def test_a_gate_that_is_always_taken_is_useless(model):
    useless = gates.useless(model, latency_table(model), shares(model, 1.0))
    assert useless == {module.name: 1.0 for module in branches(model)}


def test_a_gate_that_is_never_taken_saves_more_than_it_costs(model):
    table = latency_table(model)
    assert gates.useless(model, table, shares(model, 0.0)) == {}
    cheap = min(table.cost(module) for module in branches(model))
    table.gate["not_taken"] = cheap + 1e-6
    useless = gates.useless(model, table, shares(model, 0.0))
    assert useless and all(
        (table.cost(module) == cheap) == (module.name in useless)
        for module in branches(model)
    )


def test_in_between_the_costs_decide(model):
    table = latency_table(model)
    table.gate = {"taken": 0.02, "not_taken": 0.01}
    use = shares(model, 0.5)
    for module in branches(model):
        cost = table.cost(module)
        gated = 0.5 * 0.01 + 0.5 * (cost + 0.02)
        assert (module.name in gates.useless(model, table, use)) == (cost < gated)


def test_without_them_the_outputs_are_the_same(model):
    names = tuple(module.name for module in branches(model)[::3])
    gated = trace.gated(model, FORMAT, Form(threshold=0.6))
    fewer = trace.gated(model, FORMAT, Form(threshold=0.6, ungated=names))
    pixels = (255 * np.random.default_rng(0).random((3, *IMAGES.shape[1:]))).astype(
        "uint8"
    )
    fixed, costs = trace.macs(model, ungated=names)
    for image in map(tf.constant, pixels[:, None]):
        ours, theirs = fewer(image), gated(image)
        for name in ("logits", "route"):
            np.testing.assert_allclose(ours[name], theirs[name], atol=1e-5)
        runs = ours["route"].numpy()[0] != 0
        assert ours["macs"].numpy()[0] == fixed + costs[runs].sum()
        assert ours["macs"].numpy()[0] > theirs["macs"].numpy()[0]
    count = len(branches(model))
    assert conditions(gated) == count and conditions(fewer) == count - len(names)


def conditions(function):
    kinds = [op.type for op in function.graph.get_operations()]
    return sum(kind in ("If", "StatelessIf") for kind in kinds)


def test_names_that_are_no_branches(model):
    with pytest.raises(ValueError, match="no branch stem; its branches are cell_0/"):
        trace.gated(model, FORMAT, Form(ungated=("stem",)))
    with pytest.raises(ValueError, match="of the routed variant only; got forced"):
        Form("forced", ungated=("a",))


def test_of_a_run(tiny_run, tmp_path):
    source = sources.from_run(tiny_run.path, tmp_path / "export")
    latency_table(source.model).save(tmp_path / "latency.json")
    form, choices = gates.leave_out(
        source, Form(threshold=1.0), tmp_path / "latency.json"
    )
    # At T=1 all branches run for all images.
    assert form.ungated == tuple(module.name for module in branches(source.model))
    assert choices["latency_table"] == str(tmp_path / "latency.json")
    assert set(choices["ungated"].values()) == {1.0} and form.threshold == 1.0
    count = len(form.ungated)
    line = gates.line(choices, source.model)
    assert line.startswith(f"{count} of {count} branches run without a gate")


def test_without_validation_images_none_is_left_out(tiny_run, tmp_path, monkeypatch):
    source = sources.from_run(tiny_run.path, tmp_path / "export")
    latency_table(source.model).save(tmp_path / "latency.json")
    monkeypatch.setattr(sources.Source, "dataset", load("digits", validation_share=0))
    with pytest.raises(ValueError, match="gates to leave out, are chosen on .*share=0"):
        gates.leave_out(source, Form(), tmp_path / "latency.json")


def test_what_is_missing_is_said(model, tiny_run, tmp_path):
    path = tmp_path / "table.json"
    untrained = sources.Source("tiny, untrained", model, None, None, tmp_path)
    latency_table(model).save(path)
    with pytest.raises(ValueError, match="got tiny, untrained. Name a run"):
        gates.leave_out(untrained, Form(), path)
    CostTable.count(model.modules).save(path)
    with pytest.raises(ValueError, match="is in macs: a table in ms is needed"):
        gates.leave_out(untrained, Form(), path)

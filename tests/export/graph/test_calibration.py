"""Calibration: each branch is seen, and a file of 8 bits computes nearly the same."""

import dataclasses

import numpy as np
import pytest
from tiny_networks import make, make_dmnn, make_instanas, sharpen

from export.graph import calibration, trace
from export.graph.calibration import BATCH, calibrate
from export.graph.convert import convert
from export.graph.form import Form
from export.interpreter import Interpreter
from tfdyn import output
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError

FORMAT = InputFormat(("a", "b", "c"), (8, 8, 1), (0.4,), (0.5,))
PIXELS = np.random.default_rng(0).integers(0, 256, (2 * BATCH, 8, 8, 1), "uint8")
NORMALIZED = np.asarray(FORMAT.normalize(PIXELS))
MODELS = {
    "drnet": lambda: make(auxiliary_head=False),
    "dmnn": make_dmnn,
    "mobilenet": lambda: make_dmnn(
        sub_block="inverted_residual", stages=[(8, 1, 2, 1), (8, 2, 2, 2)]
    ),
    "instanas": make_instanas,
}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return sharpen(MODELS[request.param]())


@pytest.fixture(scope="module")
def ranges(model):
    return calibrate(model, NORMALIZED, 0.5)


def test_each_branch_runs_on_images_that_choose_it_and_on_others(model, ranges):
    branches = ranges.provenance["branches"]
    names = [m.name for m in model.modules if m.kind == "branch"]
    assert sorted(branches) == sorted(names)
    outputs = model(NORMALIZED, threshold=0.5)
    use = np.count_nonzero(model.route_spec.flatten(outputs["route"]), axis=0)
    assert [branches[name]["chosen"] for name in names] == use.tolist()
    for count in branches.values():
        assert count["chosen"] + count["forced"] >= 2
        assert count["forced"] or count["chosen"] == 2 * BATCH


def test_ranges_hold_0_and_are_not_empty(ranges):
    for low, high in ranges.by_name.values():
        assert low <= 0 <= high and low < high


def test_a_file_of_int8_computes_nearly_what_keras_computes(model, ranges, tmp_path):
    function = trace.gated(model, FORMAT, Form(threshold=0.5), ranges=ranges)
    path = tmp_path / "model.tflite"
    path.write_bytes(convert(function, "int8"))
    expected = model(NORMALIZED, threshold=0.5)
    routes = model.route_spec.flatten(expected["route"]).numpy() != 0
    logits, same = expected["logits"].numpy(), 0
    with output.quiet():
        interpreter, errors = Interpreter(path), []
    for image, row, route in zip(PIXELS, logits, routes, strict=True):
        outputs = interpreter(image=image)
        np.testing.assert_allclose(outputs["probabilities"].sum(), 1, atol=1e-5)
        if ((outputs["route"][0] != 0) == route).all():
            same += 1
            errors.append(np.abs(outputs["logits"][0] - row).mean())
    # Routers of random weights decide near T: not all routes are the same.
    assert same >= 0.25 * len(PIXELS)
    assert np.mean(errors) < 0.1 * np.std(logits)


def test_a_file_of_all_branches_does_not_round_small_weights_to_0(tmp_path):
    model = sharpen(MODELS["drnet"](), 60.0)
    ranges = calibrate(model, NORMALIZED, 1.0)
    function = trace.gated(model, FORMAT, Form("all_branches"), ranges=ranges)
    path = tmp_path / "model.tflite"
    path.write_bytes(convert(function, "int8"))
    fixed, branches = trace.macs(model)
    with output.quiet():
        outputs = Interpreter(path)(image=PIXELS[0])
    assert 0 < outputs["route"].min() < 1 / 255
    assert outputs["macs"] == fixed + branches.sum()


def test_too_few_images_are_refused(model):
    with pytest.raises(UserError, match="at least 32 images; got 31"):
        calibrate(model, NORMALIZED[:31], 0.5)


def test_an_activation_without_a_range_is_refused(model):
    with pytest.raises(UserError, match="no range for .*images"):
        calibrate(model, np.zeros_like(NORMALIZED), 0.5)


def test_a_branch_that_never_ran_is_named(monkeypatch):
    model = make_dmnn(stages=[(6, 2, 2, 1)])
    name = [m.name for m in model.modules if m.kind == "branch"][1]
    add = calibration._Observer._add

    def add_most(observer, outputs, branch, *arguments):
        if observer._names.path(branch) == name:
            return outputs
        return add(observer, outputs, branch, *arguments)

    monkeypatch.setattr(calibration._Observer, "_add", add_most)
    with pytest.raises(UserError, match=f"1 of 4 branches .*calibrated: {name}.*more"):
        calibrate(model, NORMALIZED, 0.5)


def test_an_activation_without_a_range_is_not_exported():
    model = make_dmnn(stages=[(6, 2, 2, 1)])
    ranges = calibrate(model, NORMALIZED, 0.5)
    name = next(name for name in ranges.by_name if "sub_blocks" in name)
    fewer = {key: pair for key, pair in ranges.by_name.items() if key != name}
    ranges = dataclasses.replace(ranges, by_name=fewer)
    with pytest.raises(UserError, match=f"{name} was never calibrated"):
        trace.gated(model, FORMAT, Form(threshold=0.5), ranges=ranges)


def test_a_route_is_calibrated_alone(model):
    route = model.route_spec.all_branches()
    ranges = calibrate(model, NORMALIZED, 0.5, np.ravel(route))
    counts = ranges.provenance["branches"].values()
    assert {count["chosen"] for count in counts} == {2 * BATCH}

"""Precision of probes: parts of 8 bits, as inside of a network of 8 bits."""

import numpy as np
import pytest
from tiny_networks import make_dmnn, sharpen

from export.graph import gating
from export.graph.flatbuffer import Flatbuffer
from export.graph.form import Form
from export.graph.form_ranges import form_ranges
from export.interpreter import Interpreter
from export.latency.precision import Precision
from export.latency.probes import CHAIN, Probes, name_if_taken
from export.source import Source
from tfdyn import output
from tfdyn.data.input_format import InputFormat

FORMAT = InputFormat(("a", "b", "c"), (8, 8, 1), (0.4,), (0.5,))
PIXELS = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 1), "uint8")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    model = sharpen(make_dmnn(stages=[(6, 2, 2, 1)]))
    return Source("tiny", model, FORMAT, None, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def probes(source, tmp_path_factory):
    ranges = form_ranges(source.model, FORMAT, Form("forced"), PIXELS, "noise")
    precision = Precision("int8", ranges)
    return Probes(source, tmp_path_factory.mktemp("files"), PIXELS[0], precision)


@pytest.fixture
def load(probes):
    def load(name):
        path = probes.files[name]
        path.write_bytes(probes._contents[path]())
        with output.quiet():
            return Interpreter(path), Flatbuffer(path.read_bytes())

    return load


def modules(source, kind):
    return [module for module in source.model.modules if module.kind == kind]


@pytest.mark.parametrize(
    ("kind", "operations"),
    [("stem", {"CONV_2D"}), ("head", {"MEAN", "FULLY_CONNECTED"})],
)
def test_a_module_takes_and_returns_int8(source, load, kind, operations):
    (module,) = modules(source, kind)
    interpreter, flatbuffer = load(module.name)
    assert set(interpreter.scales) == {"inputs_0", "outputs_0"}
    assert set(flatbuffer.operations) == operations


def test_a_branch_behind_gates_stays_int8(source, load):
    branch, *_ = modules(source, "branch")
    interpreter, flatbuffer = load(name_if_taken(branch))
    assert set(interpreter.scales) == {"inputs", "initial", "outputs"}
    assert flatbuffer.operations["IF"] == CHAIN
    assert "DEQUANTIZE" not in flatbuffer.operations
    assert all(types == ["INT8"] * 2 for _, _, *types in flatbuffer.convolutions())
    interpreter(weights=np.ones(CHAIN))  # It runs.


def test_a_branch_that_is_not_the_first_of_its_sum(source, probes):
    _, branch, *_ = modules(source, "branch")
    flatbuffer = Flatbuffer(probes._summed(branch.layer, gating.ungated))
    assert flatbuffer.convolutions() and not flatbuffer.scales_by_default()
    assert all(types == ["INT8"] * 2 for _, _, *types in flatbuffer.convolutions())


def test_routers_stay_float(source, load):
    interpreter, flatbuffer = load(modules(source, "router")[0].name)
    assert interpreter.scales == {}
    assert "QUANTIZE" not in flatbuffer.operations


def test_the_ranges_are_in_the_provenance(probes):
    said = probes._precision.provenance()
    assert said["precision"] == "int8" and said["calibration"]["of"] == "noise"
    assert said["calibration"]["images"] == 32
    assert Precision("float16").provenance() == {"precision": "float16"}

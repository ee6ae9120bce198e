"""Gates of 8 bits: nothing becomes float on its way through."""

import numpy as np
import pytest
from tiny_networks import make, make_dmnn, make_instanas, sharpen

from export.graph import trace
from export.graph.calibration import BATCH, calibrate
from export.graph.convert import convert
from export.graph.flatbuffer import Flatbuffer
from export.graph.form import Form
from export.graph.int8_gates import pass_int8
from export.interpreter import Interpreter
from tfdyn import output
from tfdyn.data.input_format import InputFormat

FORMAT = InputFormat(("a", "b", "c"), (8, 8, 1), (0.4,), (0.5,))
PIXELS = np.random.default_rng(0).integers(0, 256, (BATCH, 8, 8, 1), "uint8")
MODELS = {
    "drnet": lambda: make(auxiliary_head=False, num_cells=1),
    "dmnn": make_dmnn,
    "dmnn with a pool": lambda: make_dmnn(stem="resnet_cifar"),
    "instanas": make_instanas,
}
INT8 = 9  # The number of this type in the schema of TFLite.


@pytest.fixture(scope="module", params=MODELS)
def contents(request):
    """A file as the converter makes it, and one whose gates pass int8."""
    model = sharpen(MODELS[request.param]())
    ranges = calibrate(model, np.asarray(FORMAT.normalize(PIXELS)), 0.5)
    function = trace.gated(model, FORMAT, Form(threshold=0.5), ranges=ranges)
    return [convert(function, "int8", float_gates=each) for each in (True, False)]


def test_what_enters_and_leaves_a_gate_is_int8(contents):
    by_converter, passed = (Flatbuffer(content) for content in contents)
    for graph in passed.subgraphs[1:]:
        # A weight of a route is a scalar, and stays float.
        tensors = [graph.tensors[index] for index in graph.inputs]
        assert {t.type for t in tensors if len(t.shape)} == {INT8}
        assert [graph.tensors[index].type for index in graph.outputs] == [INT8]
    for operation in ("QUANTIZE", "DEQUANTIZE"):
        fewer = passed.operations.get(operation, 0)
        assert fewer < by_converter.operations[operation]


def test_the_outputs_are_the_same(contents, tmp_path):
    results = []
    for index, content in enumerate(contents):
        path = tmp_path / f"{index}.tflite"
        path.write_bytes(content)
        with output.quiet():
            interpreter = Interpreter(path)
        results.append([interpreter(image=image) for image in PIXELS])
    for a, b in zip(*results, strict=True):
        assert a.keys() == b.keys()
        # Rounding from one scale to another may differ in the last bit.
        bit = 0.04 * np.abs(a["logits"]).max()
        for name in a:
            np.testing.assert_allclose(a[name], b[name], atol=bit, err_msg=name)


def test_a_file_without_int8_stays_as_it_is():
    model = make_dmnn()
    content = convert(trace.gated(model, FORMAT, Form(threshold=0.5)))
    assert Flatbuffer(pass_int8(content)).operations == Flatbuffer(content).operations

"""Int8 inputs and outputs: the same numbers, in 8 bits with a scale."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_networks import make_dmnn, sharpen

from export.graph import trace
from export.graph.calibration import BATCH, calibrate
from export.graph.convert import convert
from export.graph.flatbuffer import Flatbuffer
from export.graph.form import Form
from export.graph.int8_io import SCALES, narrow
from export.interpreter import Interpreter
from tfdyn import output
from tfdyn.data.input_format import InputFormat

FORMAT = InputFormat(("a", "b", "c"), (8, 8, 1), (0.4,), (0.5,))
PIXELS = np.random.default_rng(0).integers(0, 256, (BATCH, 8, 8, 1), "uint8")


def load(content, path):
    path.write_bytes(content)
    with output.quiet():
        return Interpreter(path)


@pytest.fixture(scope="module")
def model():
    return sharpen(make_dmnn(stages=[(6, 2, 2, 1)]))


@pytest.fixture(scope="module")
def ranges(model):
    return calibrate(model, np.asarray(FORMAT.normalize(PIXELS)), 0.5)


@pytest.mark.parametrize("variant", ["routed", "fixed"])
def test_a_file_computes_the_same_with_them(model, ranges, tmp_path, variant):
    route = model.route_spec.all_branches() if variant == "fixed" else None
    route = None if route is None else np.ravel(route)
    files = []
    for int8_io in (False, True):
        form = Form(variant, threshold=0.5, int8_io=int8_io)
        function = trace.gated(model, FORMAT, form, route, ranges=ranges)
        content = convert(function, "int8", scales=SCALES if int8_io else None)
        assert not Flatbuffer(content).scales_by_default()
        files.append(load(content, tmp_path / f"{int8_io}.tflite"))
    assert files[0].scales == {}
    assert files[1].inputs["image"].dtype == "int8"
    assert set(files[1].scales) == set(SCALES)
    for name in ("image", "probabilities"):
        assert files[1].scales[name] == SCALES[name]
    for image in PIXELS:
        plain, narrowed = (file(image=image) for file in files)
        for name in ("logits", "macs", "route"):
            np.testing.assert_array_equal(plain[name], narrowed[name])
        difference = np.abs(plain["probabilities"] - narrowed["probabilities"])
        assert difference.max() <= 1 / 512 + 1e-6
        raw = files[1](image=(image.astype(int) - 128).astype("int8"))
        np.testing.assert_array_equal(raw["logits"], plain["logits"])


def test_what_is_converted_inside_anyway_is_not_converted_twice(tmp_path):
    @tf.function
    def serve(inputs):
        limits = {"min": 0.0, "max": 25.5}
        rounded = tf.quantization.fake_quant_with_min_max_args(inputs, **limits)
        pooled = tf.nn.max_pool2d(rounded, 2, 2, "VALID")
        return {
            "outputs": tf.quantization.fake_quant_with_min_max_args(pooled, **limits)
        }

    spec = tf.TensorSpec((1, 2, 2, 1), tf.float32, "inputs")
    content = convert(serve.get_concrete_function(spec), "int8")
    assert {"QUANTIZE", "DEQUANTIZE"} < set(Flatbuffer(content).operations)
    content = narrow(content, {"inputs": None, "outputs": None})
    assert set(Flatbuffer(content).operations) == {"MAX_POOL_2D"}
    file = load(content, tmp_path / "pool.tflite")
    assert {name: z for name, (_, z) in file.scales.items()} == {
        "inputs": -128,
        "outputs": -128,
    }
    numbers = np.array([1, 2.52, 0.5, 99], "float32").reshape(1, 2, 2, 1)
    np.testing.assert_allclose(file(inputs=numbers)["outputs"], 25.5, rtol=1e-6)
    numbers[0, 1, 1] = 0
    np.testing.assert_allclose(file(inputs=numbers)["outputs"], 2.5, rtol=1e-6)


def test_without_a_scale_inside_one_stays_float(tmp_path):
    @tf.function
    def serve(inputs):
        return {"outputs": tf.exp(inputs), "others": inputs + 1.0}

    spec = tf.TensorSpec((1, 2), tf.float32, "inputs")
    content = convert(serve.get_concrete_function(spec))
    content = narrow(content, {"inputs": None, "outputs": (0.5, 3), "others": None})
    file = load(content, tmp_path / "exp.tflite")
    assert file.scales == {"outputs": (0.5, 3)}
    outputs = file(inputs=[0, 1])
    np.testing.assert_array_equal(outputs["outputs"], [[1.0, 2.5]])
    np.testing.assert_array_equal(outputs["others"], [[1.0, 2.0]])

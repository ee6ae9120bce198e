"""Interpreters: inputs and outputs by name, and files that are no such thing."""

import os

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.tools import flatbuffer_utils

from export.graph.convert import convert
from export.interpreter import Interpreter


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file that computes `sum`, of an image and a threshold."""

    @tf.function
    def serve(image, threshold):
        return {"sum": tf.cast(image, tf.float32) + threshold}

    image = tf.TensorSpec((1, 2, 2, 1), tf.uint8, "image")
    threshold = tf.TensorSpec((), tf.float32, "threshold")
    path = tmp_path_factory.mktemp("export") / "sum.tflite"
    path.write_bytes(convert(serve.get_concrete_function(image, threshold)))
    return path


def test_inputs_and_outputs_have_names(path):
    interpreter = Interpreter(path)
    shapes = {name: (x.shape, x.dtype) for name, x in interpreter.inputs.items()}
    assert shapes == {"image": ((1, 2, 2, 1), "uint8"), "threshold": ((), "float32")}
    image = np.arange(4, dtype="uint8").reshape(2, 2, 1)
    outputs = interpreter(image=image, threshold=0.5)
    np.testing.assert_array_equal(outputs["sum"][0], image + 0.5)
    with pytest.raises(ValueError, match="image, threshold; got picture"):
        interpreter(picture=image)


def test_what_was_set_stays_set(path):
    interpreter = Interpreter(path)
    interpreter.set(image=np.full((2, 2, 1), 7), threshold=1)
    interpreter.invoke()
    interpreter.set(threshold=2)
    interpreter.invoke()
    assert (interpreter.outputs()["sum"] == 9).all()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95])
def test_a_truncated_file(path, tmp_path, share):
    content = path.read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="cut.tflite is truncated"):
        Interpreter(path)


def test_a_file_without_a_signature(path, tmp_path):
    network = flatbuffer_utils.read_model(str(path))
    network.signatureDefs = []
    path = tmp_path / "other.tflite"
    path.write_bytes(flatbuffer_utils.convert_object_to_bytearray(network))
    with pytest.raises(
        ValueError, match=r"not a whole \.tflite file of `python -m export"
    ):
        Interpreter(path)


def test_what_is_no_ordinary_file(tmp_path):
    with pytest.raises(ValueError, match="is a folder; a file is expected"):
        Interpreter(tmp_path)
    os.mkfifo(tmp_path / "pipe.tflite")
    with pytest.raises(ValueError, match="pipe.tflite is no ordinary file"):
        Interpreter(tmp_path / "pipe.tflite")


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match="There is no file .*gone.tflite"):
        Interpreter(tmp_path / "gone.tflite")


@pytest.mark.parametrize("threads", [0, -1, 257, 10**9, 1.5, True, "2", None])
def test_a_number_of_threads_that_cannot_be(path, threads):
    with pytest.raises(ValueError, match=f"from 1 to 256; got {threads!r}"):
        Interpreter(path, num_threads=threads)


def test_a_file_that_loads_and_cannot_run(path, tmp_path):
    network = flatbuffer_utils.read_model(str(path))
    (graph,) = network.subgraphs
    graph.operators[0].inputs = graph.operators[0].outputs
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(flatbuffer_utils.convert_object_to_bytearray(network))
    with pytest.raises(ValueError, match="damaged.tflite is truncated, or is not"):
        Interpreter(damaged)()

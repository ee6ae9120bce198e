"""Android benchmark: rows and raw files for models of different inputs."""

import numpy as np
import pytest
import tensorflow as tf

from export.android import benchmark as android_benchmark
from export.graph.convert import convert

IMAGE = tf.TensorSpec((1, 2, 2, 1), tf.uint8, "image")
THRESHOLD = tf.TensorSpec((), tf.float32, "threshold")


def write(path, *signature):
    @tf.function
    def serve(image, threshold=2.0):
        return {"macs": threshold * tf.reduce_sum(tf.cast(image, tf.float32))[None]}

    path.write_bytes(convert(serve.get_concrete_function(*signature)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("android")
    (folder / "inputs").mkdir()
    write(folder / "model.fixed.tflite", IMAGE)
    write(folder / "model.tflite", IMAGE, THRESHOLD)
    images = {"light": np.arange(4, dtype="uint8"), "heavy": np.full(4, 7, "uint8")}
    inputs = {name: {"image": v, "threshold": 0.5} for name, v in images.items()}
    android_benchmark.write(folder, inputs)
    return folder


def test_a_row_says_how_a_model_is_run_on_an_input(folder):
    text = (folder / "benchmark.txt").read_text()
    comments, rows = text[: text.index("model.")], text[text.index("\nmodel.") + 1 :]
    assert all(line[0] == "#" for line in comments.splitlines())
    flags = "--input_layer=image --input_layer_shape=1,2,2,1"
    values = "--input_layer_value_files=image:FOLDER"
    light, heavy, routed, _ = rows.splitlines()
    assert light == f"model.fixed.tflite light 12 {flags} {values}/light.raw"
    assert heavy == f"model.fixed.tflite heavy 56 {flags} {values}/heavy.raw"
    assert routed.startswith("model.tflite light 3 --input_layer=")
    assert routed.endswith(f"{values}/light.raw,threshold:FOLDER/threshold.raw")


def test_raw_files_hold_the_bytes_of_the_tensors(folder):
    raw = {path.name: path.read_bytes() for path in (folder / "inputs").iterdir()}
    assert raw == {
        "light.raw": bytes(range(4)),
        "heavy.raw": bytes([7, 7, 7, 7]),
        "threshold.raw": np.float32(0.5).tobytes(),
    }

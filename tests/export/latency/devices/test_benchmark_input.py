"""Flags and files of the benchmark, for the inputs of a network."""

import numpy as np
import pytest
import tensorflow as tf

from export.graph.convert import convert
from export.latency.devices.benchmark_input import stage


def network(path, **shapes):
    """Writes a file of such float inputs."""

    @tf.function
    def serve(**inputs):
        return {"sum": sum(tf.reduce_sum(value * value) for value in inputs.values())}

    specs = {name: tf.TensorSpec(shape, name=name) for name, shape in shapes.items()}
    path.write_bytes(convert(serve.get_concrete_function(**specs)))
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    return network(folder / "sum.tflite", image=(1, 4, 4, 3), threshold=())


def flags(path, arrays):
    """Returns the flags as a mapping, with those of the files put in their place."""
    local = path.parent / "copies"
    local.mkdir(exist_ok=True)
    values = stage(local, "/device", {"sum": path}, {"sum": arrays})["sum"]
    return dict(flag.removeprefix("--").split("=") for flag in values), local


def test_without_inputs(path):
    values, local = flags(path, {})
    assert values == {"graph": "/device/0.tflite"}
    assert (local / "0.tflite").read_bytes() == path.read_bytes()


def test_all_are_told_of_if_one_is_given(path):
    values, local = flags(path, {"threshold": 0.25})
    shapes = {"image": "1,4,4,3", "threshold": ""}
    names = values["input_layer"].split(",")
    assert sorted(names) == sorted(shapes)
    parts = values["input_layer_shape"].split(":")
    # An empty text at the end, after a scalar, is left out as it is read.
    assert parts[:2] == [shapes[name] for name in names]
    assert parts[2:] == ([""] if names[-1] == "threshold" else [])
    assert values["input_layer_value_files"] == "threshold:/device/0.0"
    assert (local / "0.0").read_bytes() == np.float32(0.25).tobytes()


def test_a_scalar_alone(tmp_path):
    values, _ = flags(
        network(tmp_path / "twice.tflite", threshold=()), {"threshold": 1}
    )
    assert values["input_layer_shape"] == ":"


def test_names_may_share_a_file(path, tmp_path):
    other = network(tmp_path / "twice.tflite", threshold=())
    files = {"a": path, "b": other, "c": path}
    arrays = {"a": {"threshold": 1}, "c": {"threshold": 2}}
    flags = stage(tmp_path, "/device", files, arrays)
    graphs = {name: words[0] for name, words in flags.items()}
    assert graphs["a"] == graphs["c"] == "--graph=/device/0.tflite"
    assert graphs["b"] == "--graph=/device/1.tflite" and len(flags["b"]) == 1
    assert flags["c"][-1] == "--input_layer_value_files=threshold:/device/2.0"
    assert (tmp_path / "1.tflite").read_bytes() == other.read_bytes()
    assert (tmp_path / "2.0").read_bytes() == np.float32(2).tobytes()
    assert not (tmp_path / "2.tflite").exists()


def test_values_take_shape_and_type_of_the_input(path):
    _, local = flags(path, {"image": np.arange(48, dtype="uint8").reshape(4, 4, 3)})
    assert (local / "0.0").read_bytes() == np.arange(48, dtype="float32").tobytes()


@pytest.mark.parametrize(
    "arrays, message",
    [({"route": 1}, "inputs .*image.*; got route"), ({"image": 1}, "cannot reshape")],
)
def test_inputs_that_do_not_fit(path, arrays, message):
    with pytest.raises(ValueError, match=message):
        flags(path, arrays)


def test_files_that_are_none(path, tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="broken.tflite is truncated, or is not"):
        flags(broken, {})
    with pytest.raises(ValueError, match="There is no file .*gone.tflite"):
        flags(tmp_path / "gone.tflite", {})


def test_names_that_cannot_be_told(path, monkeypatch):
    def details(self):
        return [{"name": "serving_default_image:0", "shape": (1,), "dtype": np.float32}]

    name = "ai_edge_litert.interpreter.Interpreter.get_input_details"
    monkeypatch.setattr(name, details)
    with pytest.raises(ValueError, match="colons in their names: .*image:0"):
        flags(path, {})

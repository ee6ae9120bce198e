import copy as copy_module
import dataclasses
import hashlib
import json
import pickle
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_networks
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from export.graph import trace
from export.graph.convert import convert
from export.graph.form import Form
from export.graph.int8_io import narrow
from export.interpreter import Interpreter
from export.manifest import describe
from export.runtime import Classifier
from export.source import Source
from tfdyn.data.input_format import InputFormat
from tfdyn.temporary import READY

FORMAT = InputFormat(("cat", "dog", "fox"), (8, 8, 1), (0.4,), (0.25,))
FORMS = {
    "uint8": Form(threshold=0.5),
    "threshold": Form(threshold=0.5, threshold_input=True, preprocess=False),
    "forced": Form("forced"),
    "pixels": Form(threshold=0.5, int8_io=True),  # In float32: it is not narrowed.
}
IMAGES = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), "uint8")


@pytest.fixture(scope="session")
def model():
    keras.utils.set_random_seed(0)  # Before the seed that every test has.
    return tiny_networks.sharpen(tiny_networks.make(num_cells=1))


@pytest.fixture(scope="session")
def exports(model, tmp_path_factory):
    """A folder with the same network as `uint8.tflite`, `threshold.tflite`, …"""
    folder = tmp_path_factory.mktemp("export")
    for name, form in FORMS.items():
        content = convert(trace.gated(model, FORMAT, form))
        (folder / f"{name}.tflite").write_bytes(content)
    source = Source("tiny", model, FORMAT, None, folder)
    content = describe(source, FORMS["uint8"])
    (folder / "model.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def copy(exports, tmp_path):
    """A function that copies `uint8.tflite` with a changed `model.json`."""

    def copied(name="uint8", **changes):
        shutil.copy(exports / f"{name}.tflite", tmp_path / "model.tflite")
        content = json.loads((exports / "model.json").read_text())
        (tmp_path / "model.json").write_text(json.dumps({**content, **changes}))
        return tmp_path / "model.tflite"

    return copied


def test_an_export_that_was_killed_is_finished_before_it_is_read(copy):
    path = copy()
    ready = path.parent / f"{READY}1"
    ready.mkdir()
    new = {**json.loads(path.with_name("model.json").read_text()), "labels": [*"abc"]}
    (ready / "model.json").write_text(json.dumps(new))
    assert Classifier(path).input_format.class_names == ("a", "b", "c")
    assert not ready.exists()


def keras_outputs(model, images, threshold):
    """Probabilities `(n, classes)` and MACs `(n,)` in Keras."""
    images = FORMAT.normalize(images)
    outputs = tiny_networks.run(model, images, threshold=threshold)
    powers = np.exp(outputs["logits"])
    macs = model.route_cost.total(outputs["route"])
    return powers / powers.sum(axis=-1, keepdims=True), np.asarray(macs)


def assert_as_in_keras(result, model, threshold):
    probabilities, macs = keras_outputs(model, IMAGES, threshold)
    np.testing.assert_allclose(result.probabilities, probabilities, atol=1e-5)
    np.testing.assert_array_equal(result.macs, macs)
    best = probabilities.argmax(axis=-1)
    assert result.labels == [FORMAT.class_names[index] for index in best]


def test_a_classification_is_that_of_keras(exports, model):
    result = Classifier(exports / "uint8.tflite")(IMAGES)
    assert_as_in_keras(result, model, 0.5)
    assert len(set(result.macs)) > 1 and len(set(result.labels)) > 1
    assert result.milliseconds.shape == (6,) and (result.milliseconds > 0).all()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "normalised"])
def test_whole_numbers_in_and_out_are_not_noticed(exports, model, tmp_path, dtype):
    """Files that take and return 8 bits, from tfdyn and as other tools make them."""
    scales = {
        "image": (1.0, -128),
        "logits": (0.1, 3),
        "probabilities": (1 / 256, -128),
    }
    name = "pixels"
    if dtype == "normalised":
        name, scales["image"] = "threshold", (1 / 32, -20)
    content = narrow((exports / f"{name}.tflite").read_bytes(), scales)
    if dtype == "uint8":
        content = unsigned(content)
    shutil.copy(exports / "model.json", tmp_path)
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    result = Classifier(path)(IMAGES)
    probabilities, macs = keras_outputs(model, IMAGES, 0.5)
    np.testing.assert_allclose(result.probabilities, probabilities, atol=0.05)
    np.testing.assert_allclose(result.probabilities.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(result.macs, macs)


def unsigned(content):
    """A file whose int8 input of zero point -128 is uint8, of zero point 0."""
    network = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    (index,) = [e.tensorIndex for e in network.signatureDefs[0].inputs]
    tensor = network.subgraphs[0].tensors[index]
    tensor.type, tensor.quantization.zeroPoint = schema.TensorType.UINT8, [0]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(network))


@pytest.mark.parametrize("threshold", [None, 0.3, 1.0])
def test_a_threshold_and_normalised_images(exports, model, threshold):
    result = Classifier(exports / "threshold.tflite")(IMAGES, threshold=threshold)
    assert_as_in_keras(result, model, threshold or 0.5)
    all_branches = model.route_cost.fixed + model.route_cost.all_branches
    assert (result.macs.mean() == all_branches) == (threshold == 1.0)


def test_one_image_and_none(exports):
    classifier = Classifier(exports / "uint8.tflite", num_threads=2)
    one, all_images = classifier(IMAGES[3]), classifier(IMAGES)
    assert one.labels == all_images.labels[3:4]
    np.testing.assert_array_equal(one.probabilities, all_images.probabilities[3:4])
    none = classifier(IMAGES[:0])
    shapes = [np.shape(value) for value in dataclasses.astuple(none)]
    assert shapes == [(0,), (0, 3), (0,), (0,)]


def test_milliseconds_are_those_of_the_run_alone(exports, monkeypatch):
    clock, runs = [0.0], []
    sets, invoke = Interpreter.set, Interpreter.invoke

    def slow_set(self, **inputs):
        clock[0] += 100.0
        sets(self, **inputs)

    def slow_invoke(self):
        runs.append(len(runs))
        clock[0] += runs[-1]
        invoke(self)

    monkeypatch.setattr(Interpreter, "set", slow_set)
    monkeypatch.setattr(Interpreter, "invoke", slow_invoke)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    classifier = Classifier(exports / "uint8.tflite")
    assert runs == [0]  # It has warmed up.
    np.testing.assert_allclose(classifier(IMAGES[:3]).milliseconds, [1e3, 2e3, 3e3])
    assert runs == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES / 255, "uint8.*got float64.*not scaled"),
        (IMAGES[..., 0], r"\(n, 8, 8, 1\).*got \(6, 8, 8\).*square\(path, 8, 1\)"),
        (np.zeros((2, 8, 9, 1), "uint8"), r"got \(2, 8, 9, 1\)"),
        (IMAGES[None], r"got \(1, 6, 8, 8, 1\)"),
    ],
)
def test_images_of_another_form(exports, images, message):
    with pytest.raises(ValueError, match=message):
        Classifier(exports / "uint8.tflite")(images)


def test_a_threshold_that_is_of_no_use(exports):
    with pytest.raises(ValueError, match="0.7.*--threshold_input"):
        Classifier(exports / "uint8.tflite")(IMAGES, threshold=0.7)


@pytest.mark.parametrize("threshold", [0.0, 1.2, float("nan")])
def test_a_threshold_out_of_range(exports, threshold):
    with pytest.raises(ValueError, match="0 < T <= 1"):
        Classifier(exports / "threshold.tflite")(IMAGES, threshold=threshold)


def test_one_threshold_is_needed_where_the_model_has_several(copy, model):
    classifier = Classifier(copy("threshold", threshold=[0.3, 0.7]))
    with pytest.raises(ValueError, match=r"\[0.3, 0.7\].*Give threshold=T"):
        classifier(IMAGES)
    assert_as_in_keras(classifier(IMAGES, threshold=0.3), model, 0.3)


def test_several_threads_share_a_classifier(exports):
    classifier = Classifier(exports / "uint8.tflite")
    expected = classifier(IMAGES)
    with ThreadPoolExecutor(4) as threads:
        results = [*threads.map(classifier, [IMAGES] * 40)]
    for result in results:
        np.testing.assert_array_equal(result.probabilities, expected.probabilities)
        np.testing.assert_array_equal(result.macs, expected.macs)


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy_module.deepcopy])
def test_another_process_makes_its_own(exports, duplicate):
    with pytest.raises(ValueError, match="uint8.tflite in this process. Make one in"):
        duplicate(Classifier(exports / "uint8.tflite"))


def foreign(outputs=None, image="uint8", **inputs):
    """A file that tfdyn did not export: what `outputs` changes, other inputs."""

    @tf.function
    def serve(image, **others):
        zero = tf.reduce_sum(tf.cast(image, tf.float32)) * 0
        for other in others.values():
            zero += tf.reduce_sum(tf.cast(other, tf.float32)) * 0
        tensors = {"probabilities": [[0.2, 0.3, 0.5]], "macs": [7.0]} | (outputs or {})
        return {name: tf.constant(x) + zero for name, x in tensors.items() if x}

    shapes = {"image": ((1, 8, 8, 1), image), **inputs}
    specs = {name: tf.TensorSpec(*spec, name) for name, spec in shapes.items()}
    return convert(serve.get_concrete_function(**specs))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "int8"}, "its images are int8, not uint8 or float32"),
        ({"image": "int32"}, "its images are int32"),
        ({"extra": ((1, 8, 8, 1), "float32")}, "it has the inputs .*extra"),
        ({"threshold": ((1, 1), "float32")}, "not image alone or threshold"),
        ({"threshold": ((), "int32")}, "not image alone or threshold"),
        ({"outputs": {"macs": None}}, r"no output macs of shape \(1,\)"),
        ({"outputs": {"macs": 7.0}}, r"no output macs of shape \(1,\)"),
        ({"outputs": {"probabilities": None}}, "different networks"),
        ({"outputs": {"probabilities": [[0.2, 0.8]]}}, "different networks"),
        ({"outputs": {"probabilities": [[872.0, 0.0, 0.0]]}}, "not 1 but 872"),
        (
            {"outputs": {"probabilities": [[-1.0, 1.0, 1.0]]}},
            "probabilities are below 0",
        ),
        ({"outputs": {"probabilities": [[np.nan, 1.0, 0.0]]}}, "not 1 but nan"),
    ],
)
def test_a_foreign_file_is_refused(copy, changes, message):
    path = copy()
    path.write_bytes(foreign(**changes))
    with pytest.raises(ValueError, match=message):
        Classifier(path)


def test_a_foreign_file_like_ours_is_used(copy):
    path = copy()
    path.write_bytes(foreign())
    assert Classifier(path)(IMAGES[:2]).labels == ["fox", "fox"]


def digest(content):
    return {"model.tflite": hashlib.sha256(content).hexdigest()}


def test_a_file_of_which_a_byte_has_changed_is_refused_before_it_runs(copy):
    content = copy().read_bytes()
    path = copy(sha256=digest(content))
    assert Classifier(path)(IMAGES[:1]).labels
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    path.write_bytes(changed)
    with pytest.raises(ValueError, match="model.tflite is truncated or changed, or is"):
        Classifier(path)
    path.write_bytes(content[:-1])
    with pytest.raises(ValueError, match="is truncated or changed.*Export it again"):
        Classifier(path)


@pytest.mark.parametrize("digests", [[1], "x", 3])
def test_digests_that_are_none(copy, digests):
    with pytest.raises(ValueError, match="model.json is broken"):
        Classifier(copy(sha256=digests))


def test_the_forced_variant_is_refused(exports):
    with pytest.raises(ValueError, match="route as an input"):
        Classifier(exports / "forced.tflite")


@pytest.mark.parametrize(
    "text",
    [None, "", "[]", "{}", "null", '{"labels": ["a", "b"], "input": 3}', b"\xff"]
    + ["[" * 100_000, '{"input":' * 100_000],
    ids=range(9),
)
def test_a_missing_or_broken_description(copy, text):
    path = copy()
    description = path.with_name("model.json")
    description.unlink()
    if text is not None:
        description.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=r"model\.json.*export\.tflite.*beside"):
        Classifier(path)


@pytest.mark.parametrize("threshold", [None, "high", 0.0, []])
def test_a_description_with_a_broken_threshold(copy, threshold):
    with pytest.raises(ValueError, match="model.json is broken"):
        Classifier(copy(threshold=threshold))


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["cat", "dog"]},
        {"input": {"shape": [1, 9, 9, 1], "mean": [0.4], "std": [0.25]}},
    ],
)
def test_a_description_of_another_network(copy, changes):
    with pytest.raises(ValueError, match="different networks"):
        Classifier(copy(**changes))


def test_needs_no_tensorflow(exports):
    code = (
        "import sys, numpy; from export.runtime import Classifier;"
        f"classifier = Classifier({str(exports / 'uint8.tflite')!r});"
        "print(classifier(numpy.zeros((8, 8, 1), 'uint8')).labels);"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip("[]'\n") in FORMAT.class_names

"""A user's model from a file to a run: trained, resumed, evaluated, exported."""

import dataclasses
import json

import numpy as np
import pytest
import tiny_wrapped
from stopped import Stop, stop_after

from export import source as sources
from export.checks import parity
from export.exporter import export_saved_model, export_tflite
from export.graph.form import Form
from export.interpreter import Interpreter
from tfdyn.evaluation.evaluate_run import evaluate
from tfdyn.families.settings import Settings
from tfdyn.training.trainer import train


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The file of a model for digits, which wants pixels from 0 to 1."""
    path = tmp_path_factory.mktemp("original") / "mine.keras"
    tiny_wrapped.residual(tiny_wrapped.GRAY, head="softmax").save(path)
    return path


def settings(original, **changes):
    common = {
        "network": "wrapped",
        "model": str(original),
        "preprocessing": "unit",
        "blocks": ("one", "three"),
        "exits": ("two",),
        "exit_filters": 4,
        "router_units": 4,
        "dataset": "digits",
        "flip": False,
        "batch_size": 128,
        "pretrain_epochs": 1,
        "finetune_epochs": 3,
        "finetune_learning_rate": 0.1,
        "distil": 0.1,
        "threshold": 0.5,
    }
    return Settings(**{**common, **changes})


@pytest.fixture(scope="module")
def trained(original, tmp_path_factory):
    return train(settings(original), tmp_path_factory.mktemp("wrapped") / "run")


@pytest.fixture(scope="module")
def source(trained, tmp_path_factory):
    source = sources.from_run(trained.path, tmp_path_factory.mktemp("export"))
    (head,) = (each.head for each in source.model.chain if each.name == "exit_two")
    dense = head.chain[-1]
    dense.kernel.assign(30 * dense.kernel)  # So that it is sure of some images.
    return source


def pixels(source):
    return source.test_images(24)[0]


def telling(source):
    """A T at which some images stop at the exit, and others do not."""
    images = source.input_format.normalize(pixels(source))
    for threshold in np.linspace(0.11, 0.9, 80):
        route = source.model(images, threshold=threshold)["route"]
        if 0.2 < np.mean(route["end"]) < 0.8:
            return float(threshold)
    raise AssertionError("Every image stops, or none does.")


@pytest.mark.slow
def test_a_run_holds_the_model_that_was_asked_for(trained):
    model = trained.load_model()
    assert [link.name for link in model.chain] == [
        "stem",
        "one",
        "layers_2",
        "exit_two",
        "three",
        "end",
    ]
    assert model.threshold == 0.5 and not model.teacher  # It taught in training.
    assert (trained / "metrics.csv").read_text().count("\n") == 5


@pytest.mark.slow
def test_a_training_that_was_stopped_is_never_stopped(
    original, trained, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        stop_after(patch, 1)
        with pytest.raises(Stop):
            train(settings(original), tmp_path / "run")
    resumed = train(settings(original), tmp_path / "run")
    weights = zip(*(r.load_model().weights for r in (resumed, trained)), strict=True)
    for ours, theirs in weights:
        np.testing.assert_array_equal(ours, theirs)
    table = (resumed / "metrics.csv").read_text()
    assert table == (trained / "metrics.csv").read_text()


@pytest.mark.slow
def test_it_is_evaluated_without_the_file_of_the_original(trained):
    model = trained.load_model()
    rows = evaluate(trained.path, thresholds=[1e-6, 0.5, 1.0])["routed"]
    least, middle, most = (row["macs_mean"] for row in rows)
    cost = model.route_cost
    nothing = model.route_spec.split(np.zeros((1, model.route_spec.size), "float32"))
    assert least == pytest.approx(float(cost.total(nothing)[0]), rel=1e-6)
    assert most == pytest.approx(cost.fixed + cost.all_branches, rel=1e-6)
    assert least <= middle <= most


@pytest.mark.slow
@pytest.mark.parametrize("make", [telling, lambda _: [0.5, 0.9, 0.7], lambda _: 1.0])
def test_the_file_for_phones_runs_what_keras_runs(source, make):
    form = Form(threshold=make(source))
    path, entry = export_tflite(source, form, pixels(source))
    assert entry["images"] == entry["same_top1"] == entry["same_route"] == 24
    assert entry["operations"]["IF"] == len(source.model.mixed_ops) == 3
    content = json.loads((source.folder / "model.json").read_text())
    assert content["labels"] == list("0123456789")


@pytest.mark.slow
def test_its_t_is_an_input(source):
    form = Form(threshold=0.5, threshold_input=True)
    path, _ = export_tflite(source, form, pixels(source)[:4])
    interpreter, image = Interpreter(path), pixels(source)[0]
    cost = source.model.route_cost
    least, most = (interpreter(image=image, threshold=t)["macs"][0] for t in (1e-4, 1))
    assert most == pytest.approx(cost.fixed + cost.all_branches)
    assert least == pytest.approx(cost.fixed)


@pytest.mark.slow
@pytest.mark.parametrize("make", [telling, lambda _: 1.0])
def test_it_becomes_a_file_of_8_bits(source, make, monkeypatch):
    # The classes of a network that learnt for seconds are near each other.
    loose = dataclasses.replace(parity.TOLERANCES["int8"], top1=0.7)
    monkeypatch.setitem(parity.TOLERANCES, "int8", loose)
    path, entry = export_tflite(
        source, Form(threshold=make(source)), pixels(source), precision="int8"
    )
    assert list(entry["convolutions"]) == ["INT8 x INT8"]
    assert entry["operations"]["IF"] == len(source.model.mixed_ops)


@pytest.mark.slow
def test_it_becomes_a_saved_model(source):
    path, report = export_saved_model(
        source, Form(threshold=telling(source)), pixels(source)
    )
    assert report["batched"]["images"] == 24 and report["gated"]["images"] == 16
    assert (path / "saved_model.pb").exists()

"""A training on JAX is that of TensorFlow, and its weights become runs."""

import json
import os
import subprocess
import sys

import in_process
import keras
import numpy as np
import pytest
from paths import ROOT
from tiny_settings import smallest_networks

from benchmarks import jax_images, jax_runs
from benchmarks.jax_weights import read_weights
from tfdyn.data import dataset as datasets
from tfdyn.data.dataset import Dataset, input_format_of
from tfdyn.data.sources import resize_images
from tfdyn.data.split import InMemory
from tfdyn.errors import UserError
from tfdyn.evaluation.codebook_search import routes_of
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.evaluation.passes import Passes
from tfdyn.evaluation.router_worth import RouterWorth
from tfdyn.families.codebook import routes_file
from tfdyn.families.dmnn.family import FAMILY
from tfdyn.families.networks import build_network
from tfdyn.families.settings import Settings
from tfdyn.models.family import TrainingContext
from tfdyn.runs.run_folder import RunFolder
from tfdyn.settings.flagfiles import to_flagfile

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (40, 32, 32, 3)).astype("uint8")
LABELS = np.arange(40) % 10
TEST = {"xe": RANDOM.integers(0, 256, (12, 8, 8, 3)).astype("uint8")}
TEST["ye"] = np.arange(12) % 10
SHARE = 0.25  # One image of each class is held out.
COMMON = {
    "network": "dmnn_tiny",
    "dataset": "cifar10",
    "image_size": 8,
    "validation_share": SHARE,
    "pretrain_epochs": 0,
    "finetune_epochs": 2,
    "weight_decay": 1e-3,
    "label_smoothing": 0.0,
}


# What the process on JAX runs: each list of words is a command, one after the other.
ON_JAX = """
import dataclasses, json, sys
sys.modules["tensorflow"] = None
import in_process, tiny_settings
with tiny_settings.smallest_networks():
    for words in json.loads(sys.argv[1]):
        result = in_process.run("benchmarks.jax_training", *words)
        print(json.dumps(dataclasses.asdict(result)))
"""


@pytest.fixture(autouse=True, scope="module")
def smallest():
    with smallest_networks():
        yield


def run(folder, *commands):
    """Runs commands on JAX, in a process of their own and without TensorFlow.

    Args:
        folder: The `Path` that they run in.
        *commands: Of each its `Settings` and its words.

    Returns:
        The `Result` of each.
    """
    np.savez(folder / "images.npz", xt=IMAGES, yt=LABELS, **TEST)
    lists = []
    for index, (settings, words) in enumerate(commands):
        (folder / f"{index}.flags").write_text(to_flagfile(settings))
        files = [f"--flagfile={index}.flags", "--images=images.npz"]
        lists.append([*files, "--output=weights.npz", *words])
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        # XLA compiles for seconds what then runs for milliseconds.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX, json.dumps(lists)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [in_process.Result(**json.loads(line)) for line in done.stdout.splitlines()]


def train(folder, settings, *words):
    """Runs one command on JAX to its end, which must be a good one."""
    (done,) = run(folder, (settings, words))
    assert done.status == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def routed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routed")
    settings = Settings(
        **COMMON,
        batch_size=10,
        target_rate=0.3,
        target_rate_start=1.0,
        finetune_learning_rate=1e-9,
    )
    words = ["--codebook_output=codebook_{seed}.json", "--codebook_size=1"]
    words += ["--worth_at=0.5,1", "--routes=6"]
    done = train(folder, settings, "--seeds=0,3", *words)
    return folder / "weights.npz", done.stdout


def dataset():
    input_format = input_format_of("cifar10", image_size=8)
    parts = InMemory(resize_images(IMAGES, 8), LABELS).hold_out(SHARE, 0)
    splits = dict(zip(("train", "validation"), parts, strict=True))
    test = InMemory(TEST["xe"], TEST["ye"])
    return Dataset("cifar10", input_format, {**splits, "test": test})


@pytest.mark.slow
def test_schedules_reach_the_compiled_epoch(routed):
    settings, logs, _ = jax_runs.read(routed[0])
    assert settings.target_rate == 0.3
    for seed in (0, 3):
        first, second = logs[seed]
        targets = [row["target_rate"] for row in (first, second)]
        assert targets == pytest.approx([1.0, 0.3])
        # The weights stay as they are: it is the target that makes the loss.
        assert abs(first["loss"] - second["loss"]) > 0.3
        assert second["learning_rate"] < first["learning_rate"]
    assert logs[0][0]["loss"] != logs[3][0]["loss"]
    weights = [read_weights(routed[0], seed) for seed in (0, 3)]
    assert any((one != other).any() for one, other in zip(*weights, strict=True))
    assert routed[1].count(" compiled in ") == 2  # An epoch, and the validation.


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 3])
def test_a_run_has_the_accuracy_of_the_training(routed, tmp_path, seed):
    settings, logs, _ = jax_runs.read(routed[0])
    run = RunFolder(tmp_path / "run")
    weights = read_weights(routed[0], seed)
    jax_runs.make_run(run, settings, dataset(), weights, logs[seed])
    result = Evaluator(run.load_model())(dataset().batches("validation", 4))
    last = logs[seed][-1]
    assert result["accuracy"] == pytest.approx(last["val_accuracy"])
    assert result["macs_mean"] == pytest.approx(last["val_macs_mean"], rel=1e-5)
    assert (run / "metrics.csv").read_text().count("\n") == 3
    with pytest.raises(UserError, match="finished run already"):
        jax_runs.make_run(run, settings, dataset(), weights, logs[seed])


@pytest.mark.slow
def test_the_worth_of_a_router_is_that_of_its_run(routed, tmp_path, monkeypatch):
    settings, logs, worth = jax_runs.read(routed[0])
    monkeypatch.setattr(datasets, "load", lambda *arguments: dataset())
    command = ("--weights", routed[0], "--run_dir", tmp_path / "run")
    result = in_process.run("benchmarks.jax_runs", *command)
    assert result.status == 0, result.stderr
    assert logs.keys() == worth.keys() == {0, 3}
    run = RunFolder(tmp_path / "run_seed3")
    written = json.loads((run / "router_worth.json").read_text())
    assert written == {"dataset": "cifar10", **worth[3]} and written["examples"] == 12
    model = run.load_model()
    passes = Passes(model, None, lambda split: dataset().batches(split, 5))
    router_worth = RouterWorth(model, None, passes)
    expected = router_worth.content([0.5, 1.0], 6)
    ours, theirs = (
        keras.tree.flatten({**c, "examples": 12}) for c in (expected, worth[3])
    )
    for one, other in zip(ours, theirs, strict=True):
        near = isinstance(other, float) and one == pytest.approx(other, rel=1e-4)
        assert near or one == other
    routes, costs, _ = routes_of(model, router_worth, [0.5, 1.0], 6, 1, 0.3)
    codebook = routed[0].parent / "codebook_3.json"
    in_file = routes_file.load(codebook, model.route_spec, "dmnn_tiny")
    for ours, theirs in zip((routes, costs), in_file, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


REFUSED = {
    "no threshold": ({}, ["--worth_at=0"], "--worth_at: A threshold T"),
    "no number": ({}, ["--worth_at=x"], "--worth_at: A threshold T"),
    "no images": ({"validation_share": 0.0}, ["--worth_at=1"], "--validation_share=0"),
    "no router": ({"selection": "none"}, ["--worth_at=1"], "no router"),
    "no worth": ({}, ["--codebook_output=codebook.json"], "needs --worth_at"),
    "other data": (
        {"dataset": "cifar100"},
        [],
        "--dataset=cifar100 is not for trainings on JAX",
    ),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """What each of `REFUSED` ended with."""
    folder = tmp_path_factory.mktemp("refused")
    commands = [
        (Settings(**COMMON | changes, batch_size=10), words)
        for changes, words, _ in REFUSED.values()
    ]
    results = run(folder, *commands)
    assert not (folder / "weights.npz").exists()
    return dict(zip(REFUSED, results, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_is_refused_before_anything_is_traced(refused, name):
    done, message = refused[name], REFUSED[name][-1]
    assert done.status == 1 and message in done.stderr.splitlines()[-1]
    assert "epoch" not in done.stdout and "compiled" not in done.stdout
    # What is said right before.
    assert "images for training" not in done.stdout


@pytest.mark.slow
def test_the_training_is_that_of_tensorflow(tmp_path):
    # Without routers, and with one batch an epoch, nothing is random.
    settings = Settings(
        **COMMON,
        selection="none",
        batch_size=30,
        crop="none",
        flip=False,
        nesterov=True,
        gradient_clip=1.0,
        finetune_learning_rate=0.05,
        learning_rate_schedule="cosine",
    )
    data = dataset()
    model = build_network(settings, data.input_format.shape, 10)
    arrays = {f"seed5/{i:04d}": w for i, w in enumerate(model.get_weights())}
    text = to_flagfile(settings)
    np.savez(tmp_path / "first.npz", settings=text, **arrays)
    train(tmp_path, settings, "--seeds=5", "--init_weights=first.npz")
    (stage,) = FAMILY.stages(
        settings, model, TrainingContext(1, data.input_format, None)
    )
    model.compile(stage.optimizer(), stage.loss)
    for _ in range(2):
        for batch in data.batches("train", 30):
            model.train_step(batch)
    weights = read_weights(tmp_path / "weights.npz", 5)
    for ours, variable, first in zip(
        weights, model.weights, arrays.values(), strict=True
    ):
        theirs = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)
        if variable.trainable or "moving" in variable.name:
            assert (ours != first).any(), variable.path


def test_the_input_format_is_that_of_cifar10():
    ours = jax_images.input_format_of(Settings(**COMMON))
    assert ours == input_format_of("cifar10", image_size=8)


@pytest.mark.parametrize("size", [8, 20])
def test_images_are_resized_as_by_tensorflow(size):
    ours = jax_images.resize(IMAGES, size).astype(int)
    difference = np.abs(ours - resize_images(IMAGES, size))
    # A mean that ends in a half may be rounded either way.
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01


def test_augmentation_shifts_and_flips():
    settings = Settings(**COMMON | {"image_size": 32})
    input_format = jax_images.input_format_of(settings)
    images = np.repeat(IMAGES[:1], 200, axis=0)
    key = jax_images.jax.random.key(0)
    augmented = np.asarray(jax_images.augment(images, key, settings, input_format))
    padded = np.pad(IMAGES[0], ((4, 4), (4, 4), (0, 0)))
    windows = {}
    for row in range(9):
        for column in range(9):
            window = padded[row : row + 32, column : column + 32]
            for flip in (1, -1):
                pixels = input_format.normalize(window[:, ::flip])
                windows[row, column, flip] = np.round(pixels, 3).tobytes()
    names = {content: name for name, content in windows.items()}
    shifts = [names[np.round(each, 3).tobytes()] for each in augmented]
    rows, columns, flips = zip(*shifts, strict=True)
    assert set(rows) == set(columns) == set(range(9))
    assert 60 < flips.count(-1) < 140


def test_cutout_blanks_a_square():
    changes = {"image_size": 32, "crop": "none", "cutout": 16}
    settings = Settings(**COMMON | changes)
    input_format = jax_images.input_format_of(settings)
    key = jax_images.jax.random.key(0)
    images = np.full((50, 32, 32, 3), 255, "uint8")
    augmented = np.asarray(jax_images.augment(images, key, settings, input_format))
    sizes = (augmented == 0).all(axis=-1).sum(axis=(1, 2))
    assert sizes.max() == 256 and 0 < sizes.min() < 256

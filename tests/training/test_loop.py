import csv
import io
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from stopped import Stop, stop_after
from tiny_settings import (
    QUICK_BRANCHES,
    SEARCH,
    smallest_networks,
    tiny_dmnn_settings,
    tiny_instanas_settings,
    tiny_settings,
)

from tfdyn.families.dmnn import rate_fit
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.runs.run_folder import RunFolder
from tfdyn.training import loop as loops
from tfdyn.training.trainer import train

TWO_AND_TWO = {
    "branches": QUICK_BRANCHES,
    "pretrain_epochs": 2,
    "finetune_epochs": 2,
    "drop_schedule": "ramp_over_both",
    "gradient_clip": 1.0,
    "router_learning_rate_factor": 0.5,
}


def weights(folder):
    return RunFolder(folder).load_model().get_weights()


def assert_same_weights(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of two and two epochs that was never stopped."""
    return train(tiny_settings(**TWO_AND_TWO), tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.parametrize("when", [1, 2], ids=["within_a_stage", "between_stages"])
def test_stopped_and_resumed_is_never_stopped(whole, tmp_path, monkeypatch, when):
    settings = tiny_settings(**TWO_AND_TWO)
    with monkeypatch.context() as patch:
        stop_after(patch, when)
        with pytest.raises(Stop):
            train(settings, tmp_path / "run")
    output = io.StringIO()
    train(settings, tmp_path / "run", output)
    assert f"resuming after epoch {when}" in output.getvalue()
    assert_same_weights(weights(tmp_path / "run"), weights(whole.path))
    assert read(tmp_path / "run") == read(whole.path)


@pytest.mark.slow
def test_a_search_that_was_stopped_is_never_stopped(
    few_images, searched, tmp_path, monkeypatch
):
    settings, (whole, _) = tiny_instanas_settings(**SEARCH, **few_images), searched
    with smallest_networks():
        # Between the turns of the joint stage, and before the fine-tuning.
        for when in (4, 11):
            with monkeypatch.context() as patch:
                stop_after(patch, when)
                with pytest.raises(Stop):
                    train(settings, tmp_path / "run")
        train(settings, tmp_path / "run")
    assert_same_weights(weights(tmp_path / "run"), weights(whole.path))
    ours, theirs = read(tmp_path / "run"), read(whole.path)
    assert [row["stage"] for row in ours] == [row["stage"] for row in theirs]
    for row, other in zip(ours, theirs, strict=True):
        assert float(row["loss"]) == pytest.approx(float(other["loss"]), abs=1e-3)


def test_what_ends_the_last_stage_is_done_again(few_images, tmp_path, monkeypatch):
    settings = tiny_dmnn_settings(rate_bias=0.05, finetune_epochs=2, **few_images)
    runs, output = [tmp_path / "whole", tmp_path / "run"], io.StringIO()
    with smallest_networks():
        train(settings, runs[0], output)
        with monkeypatch.context() as patch:
            stop_after(patch, 1)
            with pytest.raises(Stop):
                train(settings, runs[1])
        for _ in range(2):  # After an epoch; after the last, before the model's file.
            train(settings, runs[1], output)
            np.testing.assert_array_equal(*map(biases, runs))
            (runs[1] / "model.keras").unlink()
        assert output.getvalue().count("biases of the gates: fitted on") == 3
        # The checkpoints have them as the steps have left them.
        shutil.rmtree(runs[1])
        monkeypatch.setattr(rate_fit, "_changes", lambda margins, *_: np.zeros(4))
        train(settings, runs[1], output)
    assert (biases(runs[0]) != biases(runs[1])).any()


def biases(folder):
    routers = RunFolder(folder).load_model().routers
    return np.concatenate([np.asarray(router.bias) for router in routers])


def read(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


# A killed checkpoint has its data, but no index.
@pytest.mark.parametrize("missing", ["model.keras", "checkpoints/epoch-4.index"])
def test_a_file_that_was_being_written_is_written_again(whole, tmp_path, missing):
    shutil.copytree(whole.path, tmp_path / "run")
    for name in {"model.keras", missing}:
        (tmp_path / "run" / name).unlink()
    train(tiny_settings(**TWO_AND_TWO), tmp_path / "run")
    assert_same_weights(weights(tmp_path / "run"), weights(whole.path))


def test_schedules_reach_their_ends(whole):
    rows = read(whole.path)
    assert [row["stage"] for row in rows] == ["pretrain"] * 2 + ["finetune"] * 2
    assert [float(row["temperature"]) for row in rows] == [3, 3, 1, 0.5]
    drops = [float(row["drop_branch"]) for row in rows]
    assert drops == pytest.approx([0, 0.2 / 3, 0.4 / 3, 0.2])
    model = whole.load_model()
    assert float(model.selection.temperature) == 0.5
    # Cosine: the last step's rate is all but zero.
    assert float(rows[1]["learning_rate"]) < 1e-3 < float(rows[0]["learning_rate"])


def test_reseed_depends_on_seed_and_epoch_alone():
    model = DRNet((8, 8, 1), 10, 1, 4, 1, seed=0)
    images = tf.random.stateless_uniform((4, 8, 8, 1), (0, 0))

    def route(seed, epoch):
        loops.reseed(model, seed, epoch)
        return list(model(images, training=True)["route"].values())[0].numpy()

    first = route(0, 3)
    assert not np.array_equal(first, route(0, 4))
    assert not np.array_equal(first, route(1, 3))
    assert np.array_equal(first, route(0, 3))


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    settings = tiny_settings(
        pretrain_epochs=3, finetune_epochs=0, pretrain_learning_rate=1e30
    )
    with pytest.raises(loops.DivergedError, match=r"step \d+ of epoch 1 \(pretrain\)"):
        train(settings, tmp_path / "run")
    assert not (tmp_path / "run" / "model.keras").exists()


def test_divergence_in_a_later_epoch_names_the_checkpoint_that_is_kept(
    tmp_path, monkeypatch
):
    class Poison(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                weight = self.model.trainable_weights[0]
                weight.assign(np.full(weight.shape, np.nan, "float32"))

    monkeypatch.setattr("tfdyn.training.trainer._callbacks", lambda *_: [Poison()])
    with pytest.raises(loops.DivergedError, match="checkpoint of epoch 1 is kept"):
        train(tiny_settings(), tmp_path / "run")
    indices = (tmp_path / "run" / "checkpoints").glob("*.index")
    assert [path.stem for path in indices] == ["epoch-1"]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_trains_and_saves_float32(few_images, tmp_path, policy):
    # Few images: processors are slow at float16.
    settings = tiny_settings(dtype_policy=policy, **few_images)
    folder = train(settings, tmp_path / "run")
    model = folder.load_model()
    assert keras.config.dtype_policy().name == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}
    assert float(read(folder.path)[-1]["val_accuracy"]) > 0.05

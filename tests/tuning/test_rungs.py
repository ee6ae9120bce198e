import io
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tiny_settings import (
    QUICK_BRANCHES,
    tiny_dmnn_settings,
    tiny_instanas_settings,
    tiny_settings,
)

from tfdyn.errors import UserError
from tfdyn.runs.run_folder import RunFolder
from tfdyn.training.metrics_table import read_rows
from tfdyn.training.trainer import train
from tfdyn.tuning.rungs import WEIGHT, carry, resources, scaled


def test_a_rung_has_its_share_of_the_epochs_and_whole_schedules():
    settings = tiny_settings(
        pretrain_epochs=18,
        finetune_epochs=9,
        learning_rate_schedule="step",
        learning_rate_steps=(3, 6, 7),
        temperature_decay=0.1,
    )
    rung = scaled(settings, 1 / 3)
    assert (rung.pretrain_epochs, rung.finetune_epochs) == (6, 3)
    assert rung.learning_rate_steps == (1, 2)
    assert rung.temperature_decay == pytest.approx(0.3)
    assert scaled(settings, 1) == settings
    decay = tiny_settings(learning_rate_schedule="exponential", pretrain_epochs=9)
    assert scaled(decay, 1 / 3).learning_rate_decay == pytest.approx(0.97**3)


def test_each_stage_has_an_epoch_and_a_search_its_turns():
    rung = scaled(tiny_settings(pretrain_epochs=2, finetune_epochs=40), 1 / 9)
    assert (rung.pretrain_epochs, rung.finetune_epochs) == (1, 4)
    assert scaled(tiny_dmnn_settings(finetune_epochs=40), 1 / 9).pretrain_epochs == 0
    instanas = tiny_instanas_settings(pretrain_epochs=20, joint_epochs=40)
    assert [scaled(instanas, share).joint_epochs for share in (1 / 9, 1 / 3)] == [
        10,
        14,
    ]


def test_rungs_follow_from_the_number_of_trials_and_the_epochs():
    settings = tiny_settings(pretrain_epochs=20, finetune_epochs=15)
    assert [resources(settings, trials) for trials in (6, 22, 23)] == [3, 3, 9]
    assert resources(settings, 1000) == 9  # The smallest rung has two epochs.
    with pytest.raises(UserError, match="--max_trials=6 at least, and 6 epochs"):
        resources(settings, 5)
    with pytest.raises(UserError, match="got --max_trials=99 and 2 epochs"):
        resources(tiny_settings(), 99)


@pytest.fixture(scope="module")
def rung(tmp_path_factory):
    """A rung of one and one epoch."""
    folder = tmp_path_factory.mktemp("rungs") / "first"
    return train(tiny_settings(branches=QUICK_BRANCHES), folder, io.StringIO())


@pytest.mark.slow
def test_the_next_rung_resumes_the_checkpoint_on_longer_schedules(rung, tmp_path):
    settings = tiny_settings(
        branches=QUICK_BRANCHES, pretrain_epochs=4, finetune_epochs=2
    )
    run = RunFolder(tmp_path / "next")
    # As InstaNAS leaves one: the next rung may overwrite it, and stage 2 may read it.
    shutil.copytree(rung.path, rung / "operating_points/C", dirs_exist_ok=True)
    carry(rung, run, settings)
    run.operating_point("C").check(settings)
    assert run.operating_point("C").finished
    reader, first = (
        tf.train.load_checkpoint(str(each / "checkpoints/epoch-2"))
        for each in (run, rung)
    )
    for index in (0, 5):
        name = WEIGHT.format(index)
        np.testing.assert_array_equal(reader.get_tensor(name), first.get_tensor(name))
    assert not any("optimizer" in name for name in reader.get_variable_to_shape_map())
    shutil.copytree(run.path, tmp_path / "killed")

    output = io.StringIO()
    train(settings, run.path, output)
    assert "resuming after epoch 2\n" in output.getvalue()
    assert "best.keras is kept" not in output.getvalue()
    rows = read_rows(run / "metrics.csv")
    assert [row["stage"] for row in rows] == [
        "earlier rung, pretrain",
        "earlier rung, finetune",
        *["pretrain"] * 2,
        *["finetune"] * 2,
    ]
    # A cosine over the four epochs of the stage, of which three and four are trained.
    cosine = [0.025 * (1 + np.cos(np.pi * epochs / 4)) / 2 for epochs in (3, 4)]
    rates = [float(row["learning_rate"]) for row in rows]
    np.testing.assert_allclose(rates[2:4], cosine, atol=1e-6)
    assert [float(row["temperature"]) for row in rows[2:]] == [3, 3, 1, 0.5]

    # A rung that is killed is resumed by the command of every training.
    again = RunFolder(tmp_path / "killed")
    carry(rung, again, settings)
    train(settings, again.path, io.StringIO())
    for ours, theirs in zip(
        *(each.load_model().get_weights() for each in (run, again)), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)

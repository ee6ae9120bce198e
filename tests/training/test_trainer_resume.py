"""Trainings that are started again: over broken, missing and foreign files."""

import io
import os
import re
import shutil

import numpy as np
import pytest
from tiny_settings import tiny_settings

from tfdyn.errors import UserError
from tfdyn.locks import locked
from tfdyn.runs.run_folder import RunFolder
from tfdyn.training.trainer import train


@pytest.fixture
def copy(tiny_run, tmp_path):
    """A copy of a finished run."""
    shutil.copytree(tiny_run.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def resume(run, **changes):
    """Trains, and returns what was said."""
    output = io.StringIO()
    train(tiny_settings(**changes), run.path, output)
    return output.getvalue()


def state(folder):
    paths = [folder, *folder.rglob("*")]
    return {path: path.stat().st_mtime_ns for path in paths}


def assert_same_model(run, other, name="model.keras"):
    pair = run.load_model(name), other.load_model(name)
    for ours, theirs in zip(*(model.get_weights() for model in pair), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_finished_run_is_not_written_to(copy):
    before = state(copy.path)
    assert resume(copy) == f"{copy} is finished: nothing is left to train\n"
    assert state(copy.path) == before


@pytest.mark.parametrize("keep", [0, 1000, -1000])
def test_a_broken_model_is_written_again(copy, tiny_run, keep):
    path = copy / "model.keras"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match="training command of its run writes it again"):
        copy.load_model()
    assert "written again from the last checkpoint" in resume(copy)
    assert_same_model(copy, tiny_run)


def test_a_link_that_leads_nowhere_is_replaced_by_the_model(copy, tiny_run):
    (copy / "model.keras").unlink()
    (copy / "model.keras").symlink_to("nowhere")
    resume(copy)
    assert not (copy / "model.keras").is_symlink()
    assert_same_model(copy, tiny_run)


def test_a_model_cannot_be_written_again_without_checkpoints(copy):
    (copy / "model.keras").write_bytes(b"")
    shutil.rmtree(copy / "checkpoints")
    before = (copy / "metrics.csv").read_text()
    with pytest.raises(UserError, match="rows up to epoch 2, but there is no checkp"):
        resume(copy)
    assert (copy / "metrics.csv").read_text() == before


def unfinish(run, epoch=1):
    """Makes a run look as if it had been killed after an epoch."""
    (run / "model.keras").unlink()
    for path in (run / "checkpoints").glob("epoch-*"):
        if not path.name.startswith(f"epoch-{epoch}."):
            path.unlink()


def test_without_the_file_of_tensorflow_training_goes_on(copy, tiny_run):
    unfinish(copy)
    assert not (copy / "checkpoints" / "checkpoint").exists()
    assert "resuming after epoch 1" in resume(copy)
    assert_same_model(copy, tiny_run)


def test_a_broken_checkpoint_is_passed_over(copy, tiny_run):
    (copy / "model.keras").unlink()
    (copy / "checkpoints" / "epoch-2.data-00000-of-00001").write_bytes(b"x")
    said = resume(copy)
    assert "epoch-2 in" in said and "resuming after epoch 1" in said
    assert_same_model(copy, tiny_run)


def test_a_checkpoint_of_more_epochs_than_the_training_has(copy):
    unfinish(copy)
    for path in (copy / "checkpoints").iterdir():
        path.rename(path.with_name(path.name.replace("epoch-1", "epoch-99")))
    with pytest.raises(UserError, match="epoch 99, but this training has 2 epochs"):
        resume(copy)
    assert not (copy / "model.keras").exists()


@pytest.mark.parametrize("content", [None, b"", b"epoch,stage,accuracy,expected_ma"])
def test_rows_that_are_lost_are_named(copy, content):
    # Epoch 2 is the first of its stage: best.keras is that of a stage that is whole.
    unfinish(copy)
    (copy / "metrics.csv").unlink()
    if content is not None:
        (copy / "metrics.csv").write_bytes(content)
    assert "metrics.csv lacks 1 of the 1 epochs" in resume(copy)


def test_foreign_files_stay(copy):
    """Names that look temporary are not ours to delete."""
    unfinish(copy)
    (copy / "tmp.notes.txt").write_text("mine")
    (copy / "tmp.notes").mkdir()
    (copy / "checkpoints" / "tmp.mine").write_text("mine")
    resume(copy)
    assert (copy / "tmp.notes.txt").exists() and (copy / "tmp.notes").exists()
    assert (copy / "checkpoints" / "tmp.mine").exists()


FOLDERS = ("checkpoints", "tensorboard", "tensorboard/train", "tensorboard/validation")


@pytest.mark.parametrize("name", FOLDERS)
def test_nothing_is_written_through_a_link_that_leads_out(copy, tmp_path, name):
    unfinish(copy)
    outside = tmp_path / "outside"
    (copy / name).rename(outside)
    (copy / name).symlink_to(outside)
    before = state(outside)
    with pytest.raises(UserError, match=f"{name} leads to {re.escape(str(outside))}"):
        resume(copy)
    assert state(outside) == before


@pytest.mark.parametrize("name", ["metrics.csv", "best.keras", "data.json"])
def test_a_link_to_a_file_elsewhere_is_not_followed(copy, tmp_path, name):
    unfinish(copy)
    outside = tmp_path / "outside"
    (copy / name).rename(outside)
    (copy / name).symlink_to(outside)
    before = outside.read_bytes()
    resume(copy)
    assert outside.read_bytes() == before


@pytest.mark.parametrize("name", FOLDERS[:2])
def test_a_file_where_a_folder_is_expected_is_named(copy, name):
    unfinish(copy)
    shutil.rmtree(copy / name)
    (copy / name).write_text("mine")
    with pytest.raises(OSError, match=f"{name} cannot be written to"):
        resume(copy)
    assert (copy / name).read_text() == "mine"


def test_one_training_at_a_time_writes_a_run(copy):
    unfinish(copy)
    before = state(copy / "checkpoints")
    with locked(copy.path), pytest.raises(UserError, match="written by another com"):
        resume(copy)
    assert state(copy / "checkpoints") == before


def test_what_a_killed_training_left_behind_is_removed(copy):
    unfinish(copy)
    (copy / ".tfdyn-tmp-x").mkdir()
    (copy / ".tfdyn-tmp-x" / "best.keras").write_text("half")
    resume(copy)
    assert not list(copy.path.glob(".tfdyn-*"))


def test_killed_before_its_settings_were_written(tmp_path):
    (tmp_path / ".tfdyn-tmp-x").mkdir()
    (tmp_path / ".tfdyn-lock").write_text("process 1")
    RunFolder(tmp_path).check(tiny_settings())


def test_no_ordinary_file_is_no_model(copy, tiny_run):
    (copy / "model.keras").unlink()
    os.mkfifo(copy / "model.keras")
    assert "is no ordinary file" in resume(copy)
    assert_same_model(copy, tiny_run)


@pytest.mark.parametrize("name", ["a\udce9", ""])
def test_a_name_that_no_run_can_have(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="not UTF-8|is empty"):
        train(tiny_settings(), name, io.StringIO())
    assert not list(tmp_path.iterdir())

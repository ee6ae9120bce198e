"""Sources: runs and untrained networks, their images and their folders."""

import pathlib
import shutil

import numpy as np
import pytest
from tiny_settings import tiny_settings

from export import source as sources
from tfdyn.data import dataset as datasets
from tfdyn.files import check_writable, write_json
from tfdyn.runs.run_folder import RunFolder


def test_a_run_exports_to_its_own_folder(tiny_run):
    source = sources.from_run(tiny_run.path)
    assert source.folder == tiny_run / "export"
    assert source.input_format == tiny_run.input_format()
    images, labels = source.test_images(50)
    assert images.dtype == np.uint8 and images.shape == (50, 8, 8, 1)
    assert images.max() == 255 and labels.max() == 9


def test_an_operating_point_exports_to_its_own_folder(tiny_run, tmp_path):
    point = tmp_path / "run" / "operating_points" / "B"
    shutil.copytree(tiny_run.path, point)
    source = sources.from_run(tmp_path / "run", operating_point="B")
    assert source.folder == point / "export"
    assert source.name == str(point) and source.test_images(1)[0].shape == (1, 8, 8, 1)
    with pytest.raises(ValueError, match="run has no operating point C: the search"):
        sources.from_run(tmp_path / "run", operating_point="C")


def test_the_data_of_a_run_are_loaded_once(tiny_run, monkeypatch):
    loaded, original = [], datasets.load

    def load(name, *args):
        loaded.append((name, *args))
        return original(name)

    monkeypatch.setattr(datasets, "load", load)
    source = sources.from_run(tiny_run.path, data_dir="moved")
    assert source.dataset.num_examples("validation") and len(source.test_images(5)[0])
    assert [data_dir for _, data_dir, *_ in loaded] == ["moved"]


def move_data(tiny_run, folder, data_dir):
    """A copy of the run that says it was trained on data in `data_dir`."""
    run = RunFolder(shutil.copytree(tiny_run.path, folder))
    with open(run / "flags.txt", "a") as file:
        file.write(f"--data_dir={data_dir}\n")
    return run


def test_a_run_without_its_data_sees_noise(tiny_run, tmp_path, caplog):
    run = move_data(tiny_run, tmp_path / "run", "gone/photos")
    source = sources.from_run(run.path)
    images, labels = source.test_images(3)
    assert images.shape == (3, 8, 8, 1) and images.std() > 50 and labels is None
    assert "are not in gone/photos, where they were" in caplog.text
    assert "--data_dir. Until then noise" in caplog.text
    with pytest.raises(OSError, match="gone/photos.*--data_dir"):
        _ = source.dataset


def test_data_that_were_named_must_be_there(tiny_run, tmp_path, monkeypatch):
    def load(name, data_dir, *args):
        raise FileNotFoundError(f"no {data_dir}")

    monkeypatch.setattr(datasets, "load", load)
    source = sources.from_run(tiny_run.path, data_dir="gone")
    with pytest.raises(OSError, match="no gone"):
        source.test_images(3)


BROKEN = {"dataset": 3, "examples": "many", "all_branches": {}, "routed": [{}]}


@pytest.mark.parametrize("name", BROKEN)
def test_an_evaluation_that_is_none(tiny_run, tmp_path, name):
    run = RunFolder(shutil.copytree(tiny_run.path, tmp_path / "run"))
    row = {"threshold": 0.5, "accuracy": 0.9, "macs_mean": 10.0}
    content = {"dataset": "digits", "examples": 9, "all_branches": {"accuracy": 1}}
    content["routed"] = [row, {**row, "threshold": [0.5, 0.6]}]
    write_json(run / "evaluation.json", content)
    source = sources.from_run(run.path)
    assert source.evaluation == content
    for broken in ({**content, name: BROKEN[name]}, {**content, name: None}):
        write_json(run / "evaluation.json", broken)
        with pytest.raises(ValueError, match="is not an evaluation.*tfdyn.evaluate"):
            _ = source.evaluation


def test_an_untrained_network_sees_noise_and_has_its_own_folder():
    source = sources.untrained(tiny_settings(), "tiny")
    assert str(source.folder) == "runs/untrained/tiny/export"
    assert source.evaluation is None
    images, _ = source.test_images(3)
    assert images.shape == (3, 8, 8, 1) and images.std() > 50


def test_the_weights_of_an_untrained_network_follow_the_seed():
    models = [
        sources.untrained(tiny_settings(seed=seed), "tiny").model for seed in (1, 1, 2)
    ]
    first, again, other = (model.head.weights[0].numpy() for model in models)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_run_and_an_unfinished_one(tmp_path, tiny_run):
    with pytest.raises(ValueError, match="not a run folder"):
        sources.from_run(tmp_path)
    (tmp_path / "flags.txt").write_text((tiny_run / "flags.txt").read_text())
    with pytest.raises(ValueError, match="not finished.*tfdyn.train"):
        sources.from_run(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", "half"])
def test_a_truncated_or_foreign_model(tmp_path, tiny_run, content):
    for name in ("flags.txt", "input.json", "model.keras"):
        (tmp_path / name).write_bytes((tiny_run / name).read_bytes())
    if content == "half":
        whole = (tmp_path / "model.keras").read_bytes()
        content = whole[: len(whole) // 2]
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(ValueError, match="truncated or not a model of tfdyn"):
        sources.from_run(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file/export cannot be written to .*another"):
        check_writable(tmp_path / "file" / "export")


@pytest.mark.skipif(not pathlib.Path("/proc").exists(), reason="has no /proc")
def test_a_folder_that_cannot_be_written_to():
    with pytest.raises(OSError, match="/proc cannot be written to"):
        check_writable(pathlib.Path("/proc"))  # Not even by root.


def test_a_folder_that_can_be_written_to_stays_empty(tmp_path):
    check_writable(tmp_path / "new" / "export")
    assert list((tmp_path / "new" / "export").iterdir()) == []

"""Operating points of a search."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from tiny_networks import IMAGES, assert_same, make_instanas, run
from tiny_settings import tiny_instanas_settings

from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.families.instanas.operating_points import (
    OperatingPoints,
    epochs_of,
    frontier,
    table,
)
from tfdyn.runs.run_folder import RunFolder

FORMAT = InputFormat(("a", "b", "c"), (8, 8, 1), (0.5,), (0.5,))


def make():
    return make_instanas(stages=[(4, 1, 1)])


def logs(epoch):
    return {
        "val_accuracy": 0.9 - 0.01 * epoch,
        "val_macs_mean": 1e6 - 1e4 * epoch,
        "upper_bound": 2e6,
        "lower_bound": 1e5,
        "modules": 0.5,
        "same_architecture": 0.1,
        "accuracy": 0.3,
        "expected_macs": 5.0,
    }


@pytest.mark.parametrize(
    ("joint_epochs", "expected"),
    [(10, [3, 5, 7, 9, 11]), (20, [5, 9, 13, 17, 21]), (14, [3, 7, 9, 13, 15])],
)
def test_they_lie_along_the_search_each_after_the_meta_graph(joint_epochs, expected):
    epochs = epochs_of(2, joint_epochs)
    assert list(epochs) == expected and list(epochs.values()) == list("ABCDE")


def search(folder, output, epochs=range(12), extra=None, model=None):
    settings = tiny_instanas_settings(pretrain_epochs=2)
    callback = OperatingPoints(settings, FORMAT, folder, output)
    callback.set_model(model or make())
    for epoch in epochs:
        callback.on_epoch_end(epoch, {**logs(epoch), **(extra or {})})


def test_each_is_a_run_folder_with_its_model(tmp_path):
    folder, output = RunFolder(tmp_path), io.StringIO()
    model = make()
    model.phase = "meta_graph"
    search(folder, output, model=model)
    points = json.loads((tmp_path / "operating_points.json").read_text())
    assert [(p["point"], p["epoch"]) for p in points] == list(
        zip("ABCDE", (4, 6, 8, 10, 12), strict=True)
    )
    assert points[1]["accuracy"] == pytest.approx(0.85)
    assert points[1]["macs_mean"] == pytest.approx(9.5e5)
    point = folder.operating_point("B")
    assert point.finished and point.input_format() == FORMAT
    assert_same(run(point.load_model(), IMAGES), run(model, IMAGES), atol=0)
    assert output.getvalue().strip() == table(points)
    image = np.asarray(Image.open(tmp_path / "operating_points.png").convert("RGB"))
    assert image.std() > 5


def test_a_resumed_search_keeps_those_before_it(tmp_path):
    folder, output = RunFolder(tmp_path), io.StringIO()
    search(folder, output, range(8))
    # Killed in the eighth epoch, and from there on again.
    search(folder, output, range(7, 12), {"val_accuracy": 0.5})
    points = json.loads((tmp_path / "operating_points.json").read_text())
    assert [p["point"] for p in points] == list("ABCDE")
    assert [p["accuracy"] for p in points] == pytest.approx([0.87, 0.85, 0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    "content", ["[{}]", "{}", "[3]", "x", "null", '[{"epoch": "four"}]']
)
def test_a_file_of_something_else_is_refused_before_the_first_step(tmp_path, content):
    path = tmp_path / "operating_points.json"
    path.write_text(content)
    settings = tiny_instanas_settings(pretrain_epochs=0)
    callback = OperatingPoints(settings, FORMAT, RunFolder(tmp_path), io.StringIO())
    with pytest.raises(UserError, match="operating_points.json is not a list.*Delete"):
        callback.on_train_begin()
    assert path.read_text() == content


def test_no_point_is_written_through_a_link_that_leads_out(tmp_path):
    folder = RunFolder(tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "run" / "operating_points").mkdir(parents=True)
    (tmp_path / "run" / "operating_points" / "A").symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match="A leads to"):
        search(folder, io.StringIO())
    assert not list((tmp_path / "mine").iterdir())


def test_without_validation_it_is_the_accuracy_in_training(tmp_path):
    settings = tiny_instanas_settings(pretrain_epochs=0)
    callback = OperatingPoints(settings, FORMAT, RunFolder(tmp_path), io.StringIO())
    callback.set_model(make())
    training_logs = {
        name: v for name, v in logs(0).items() if not name.startswith("val")
    }
    callback.on_epoch_end(1, training_logs)
    (point,) = json.loads((tmp_path / "operating_points.json").read_text())
    assert (point["split"], point["accuracy"], point["macs_mean"]) == ("train", 0.3, 5)


def test_the_table_has_milliseconds_where_they_are_known():
    point = {"point": "A", "epoch": 4, "accuracy": 0.5, "macs_mean": 1e6}
    point |= {"modules": 0.5, "same_architecture": 0.25}
    plain, timed = table([point]), table([{**point, "ms_mean": 1.2345}])
    cells = "A 4 50.00 % 1.00 M - 50.0 % 25.0 %"
    assert plain.splitlines()[1].split() == cells.split()
    assert "1.234" in timed


def test_the_frontier_is_of_what_nothing_beats():
    rows = [(0.9, 5), (0.8, 3), (0.7, 4), (0.85, 3), (0.6, 1)]
    points = [{"accuracy": a, "macs_mean": m} for a, m in rows]
    front = [(p["accuracy"], p["macs_mean"]) for p in frontier(points, "macs_mean")]
    assert front == [(0.6, 1), (0.85, 3), (0.9, 5)]

import csv
import io

import pytest

from tfdyn.errors import UserError
from tfdyn.training.metrics_table import BestEpoch, MetricsTable

LOGS = {"loss": 1.0, "accuracy": 0.5}


def train(path, values, start=0, stage="pretrain", stage_start=0, saved=None):
    """Trains an epoch for each accuracy; returns the epochs saved and what was said."""
    output, epochs = io.StringIO(), []
    table = MetricsTable(path, output)

    def save():
        epochs.append(epoch + 1)
        best.path.write_text("a model")

    best = BestEpoch(table, save, path.with_name("best.keras"), output=output)
    for callback in (best, table):
        callback.set_params({"stage": stage, "stage_start": stage_start})
        callback.on_train_begin({"epoch": float(start)})
    for epoch, value in enumerate(values, start):
        for callback in (best, table):
            callback.on_epoch_end(epoch, {**LOGS, "val_accuracy": value})
    return epochs, output.getvalue()


def read(path):
    with path.open() as file:
        return [
            (int(row["epoch"]), row["val_accuracy"]) for row in csv.DictReader(file)
        ]


def test_drops_rows_beyond_the_checkpoint(tmp_path):
    path = tmp_path / "metrics.csv"
    train(path, [0.1, 0.2, 0.3])
    _, said = train(path, [0.4], start=1)
    assert read(path) == [(1, "0.1"), (2, "0.4")]
    assert "rows up to epoch 3, beyond the checkpoint" in said
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "best.keras",
        "metrics.csv",
    ]


def test_a_run_that_is_resumed_may_have_new_metrics(tmp_path):
    path = tmp_path / "metrics.csv"
    train(path, [0.1])
    logs = {**LOGS, "val_accuracy": 0.2, "dependence": 0.03}
    table = MetricsTable(path, io.StringIO())
    table.set_params({"stage": "pretrain", "stage_start": 0})
    table.on_train_begin({"epoch": 1.0})
    table.on_epoch_end(1, logs)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["dependence"] for row in rows] == ["", "0.03"]
    assert read(path) == [(1, "0.1"), (2, "0.2")]


def test_has_the_metrics_of_all_stages(tmp_path):
    path = tmp_path / "metrics.csv"
    for epoch, logs in enumerate(({"reward": 3.0}, {"entropy": 2.0})):
        table = MetricsTable(path)
        table.set_params({"stage": "pretrain"})
        table.on_train_begin({"epoch": epoch})
        table.on_epoch_end(epoch, {**LOGS, **logs})
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["reward"], row["entropy"]) for row in rows] == [
        ("3.0", ""),
        ("", "2.0"),
    ]


@pytest.mark.parametrize(
    "accuracies, saved",
    [([0.1, 0.3, 0.2], [1, 2]), ([0.0], [1]), ([0.3, 0.3], [1]), ([-3.0], [1])],
)
def test_the_best_epoch_is_saved(tmp_path, accuracies, saved):
    assert train(tmp_path / "metrics.csv", accuracies) == (saved, "")


def test_the_best_epoch_is_that_of_its_stage_and_survives_a_resume(tmp_path):
    path, stage = tmp_path / "metrics.csv", {"stage": "finetune", "stage_start": 2}
    assert train(path, [0.9, 0.8])[0] == [1]
    assert train(path, [0.5], start=2, **stage)[0] == [3]
    assert train(path, [0.4], start=3, **stage)[0] == []


def delete(path):
    path.unlink()


def cut(keep):
    return lambda path: path.write_bytes(path.read_bytes()[:keep])


def without_a_column(path):
    path.write_text(path.read_text().replace("val_accuracy", "other"))


def not_a_number(path):
    path.write_text(path.read_text().replace("0.9", "nan"))


LOST = {
    "deleted": (delete, "lacks 2 of the 2"),
    "cut": (cut(40), "lacks 2 of the 2"),
    "cut in a row": (cut(-2), "lacks 1 of the 2"),
    "empty": (cut(0), "lacks 2 of the 2"),
    "a column": (without_a_column, "is kept as it is"),
    "not a number": (not_a_number, "is kept as it is"),
}


@pytest.mark.parametrize("change, message", LOST.values(), ids=LOST)
def test_the_best_model_is_kept_if_its_row_is_lost(tmp_path, change, message):
    path = tmp_path / "metrics.csv"
    train(path, [0.9, 0.2])
    change(path)
    epochs, said = train(path, [0.1, 0.3], start=2)
    assert epochs == []
    assert message in said and said.count("is kept as it is") == 1
    # The next stage has all of its rows.
    stage = {"stage": "finetune", "stage_start": 4}
    assert train(path, [0.1], start=4, **stage)[0] == [5]


def test_a_repeated_epoch_that_is_worse_does_not_replace_the_best(tmp_path):
    path = tmp_path / "metrics.csv"
    train(path, [0.1, 0.2, 0.9])
    assert train(path, [0.3, 0.4], start=1)[0] == []


def test_rows_without_a_checkpoint_are_not_trained_over(tmp_path):
    path = tmp_path / "metrics.csv"
    train(path, [0.1, 0.2])
    before = path.read_text()
    with pytest.raises(UserError, match="rows up to epoch 2, but there is no checkp"):
        train(path, [0.1])
    assert path.read_text() == before


def test_killed_before_the_first_checkpoint(tmp_path):
    train(tmp_path / "metrics.csv", [0.1])
    assert train(tmp_path / "metrics.csv", [0.1, 0.2])[1] == ""


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"a,b\n1,2\n",
        b"epoch,stage\none,pretrain\n",
        b"epoch\n1\n",
        b"epoch,stage\n-1,x\n",
        b"epoch,stage\n" + 200_000 * b"9" + b",x\n",
        b"epoch,stage\n" + 5_000 * b"9" + b",x\n",
    ],
)
def test_what_is_no_table_is_named(tmp_path, content):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match="metrics.csv is not a table.*Delete it") as e:
        train(path, [0.1], start=1)
    assert len(str(e.value)) < 500 + len(str(tmp_path))

import io
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tiny_settings import QUICK_BRANCHES, tiny_settings

from tfdyn.runs.run_folder import RunFolder
from tfdyn.training.metrics_table import read_rows
from tfdyn.training.trainer import train
from tfdyn.tuning.next_rung import WEIGHT, carry


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
    # A rung that is killed from here on is resumed, as every training is.
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    carry(rung, run, settings)
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before

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

import dataclasses
import io
import json
import shutil

import pytest
from tiny_settings import QUICK_BRANCHES, tiny_settings

from tfdyn.costs.cost_table import CostTable
from tfdyn.errors import UserError
from tfdyn.families.networks import build_network
from tfdyn.families.settings import Settings
from tfdyn.runs.run_folder import RunFolder
from tfdyn.settings.flagfiles import from_flagfile
from tfdyn.training import loop
from tfdyn.tuning.search import search

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """What a killed process does: nothing of it runs any more."""


@pytest.fixture(scope="module")
def found(few_images, tmp_path_factory):
    """A search that was killed in its first trial, its result and what it printed."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "a.space").write_text("cost_weight: log 0.01 1\n")
    settings = tiny_settings(
        branches=QUICK_BRANCHES, pretrain_epochs=0, finetune_epochs=2, **few_images
    )
    counts = CostTable.count(build_network(settings, (8, 8, 3), 4).modules)
    CostTable("ms", counts.modules).save(folder / "latency.json")
    output = io.StringIO()

    def run(max_trials):
        return search(
            settings,
            folder / "a.space",
            folder / "found",
            ["accuracy@1e9ms", "hypervolume"],
            "random",
            max_trials,
            (0.5, 1.0),
            folder / "latency.json",
            output=output,
        )

    original = loop.TrainingLoop._epoch

    def epoch(self, train_step, stage, epoch, stage_epoch):
        if epoch == 1:
            raise Killed
        original(self, train_step, stage, epoch, stage_epoch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.TrainingLoop, "_epoch", epoch)
        with pytest.raises(Killed):
            run(2)
    content = run(2)
    return folder / "found", content, output.getvalue(), run


def test_a_trial_is_a_run_folder_that_resumes_after_its_last_epoch(found):
    folder, content, _, _ = found
    log = (folder / "trials/0000.log").read_text()
    assert "resuming after epoch 1\n" in log
    for record in content["trials"]:
        run = RunFolder(folder / f"trials/000{record['trial']}")
        assert run.finished
        assert run.settings().cost_weight == record["values"]["cost_weight"]
        thresholds = {point["threshold"] for point in record["points"]}
        assert thresholds == {0.5, 1.0}


def test_the_result_is_a_frontier_a_run_and_a_flagfile(found):
    folder, content, _, _ = found
    best = max(content["trials"], key=lambda record: record["score"])
    assert content["best"]["trial"] == best["trial"]
    assert best["score"] == pytest.approx(sum(best["objectives"].values()))
    point = content["best"]["point"]
    assert point["accuracy"] == best["objectives"]["accuracy@1e9ms"]
    tested = json.loads((folder / "best/evaluation.json").read_text())
    rows = {row["threshold"]: row["accuracy"] for row in tested["routed"]}
    assert point["test_accuracy"] == rows[point["threshold"]]
    assert content["unit"] == "ms"
    costs = [point["ms"] for point in content["frontier"]]
    assert costs == sorted(costs)
    assert RunFolder(folder / "best").load_model().name == "drnet_tiny"
    # The run and the flagfile have the T that the budget is met at.
    settings = from_flagfile(Settings, folder / "best.flags")
    assert settings.threshold == (point["threshold"],)
    assert settings == RunFolder(folder / "best").settings()
    trained = RunFolder(folder / f"trials/000{best['trial']}").settings()
    assert dataclasses.replace(settings, threshold=trained.threshold) == trained
    for name in ("model.keras", "best.keras"):
        model = RunFolder(folder / "best").load_model(name)
        assert model.threshold == point["threshold"]
    assert json.loads((folder / "results.json").read_text()) == content
    assert (folder / "frontier.png").read_bytes()[1:4] == b"PNG"


def test_what_is_done_is_not_done_again(found, monkeypatch):
    folder, content, _, run = found
    before = {path: path.stat().st_mtime_ns for path in (folder / "trials").rglob("*")}
    assert run(2) == content
    after = {path: path.stat().st_mtime_ns for path in (folder / "trials").rglob("*")}
    assert after == before
    # Values that cannot be trained are a failed trial. The result names it.
    shutil.rmtree(folder / "best")

    def train(*arguments):
        raise UserError("The loss is not a finite number.")

    monkeypatch.setattr("tfdyn.tuning.trial.train", train)
    failed = run(3)["trials"][2]
    assert failed["status"] == "failed" and "finite" in failed["message"]


def test_a_trial_that_is_lost_is_missed(found):
    folder, _, _, run = found
    record = folder / "trials/0000.json"
    text = record.read_text()
    record.unlink()
    with pytest.raises(UserError, match="has lost trial 0, which had ended: restore"):
        run(2)
    record.write_text(text)
    run(2)

"""Mean and spread over runs."""

import copy
import shutil

import pytest
from tiny_settings import tiny_settings

from tfdyn.errors import UserError
from tfdyn.evaluation.spread import check_runs, spread, table

CONTENT = {
    "dataset": "digits",
    "examples": 360,
    "all_branches": {"accuracy": 0.9, "macs": 2e6, "params": 1e5},
    "routed": [
        {"threshold": 0.8, "accuracy": 0.8, "macs_mean": 1e6, "params_mean": 1e4},
        {
            "threshold": 0.7,
            "budget_ms": 3.0,
            "accuracy": 0.7,
            "macs_mean": 5e5,
            "params_mean": 1e4,
        },
    ],
}


def changed(accuracy=0.8, threshold=0.7, **fields):
    content = copy.deepcopy(CONTENT | fields)
    content["routed"][0]["accuracy"] = accuracy
    content["routed"][1]["threshold"] = threshold
    return content


def test_each_number_has_a_mean_and_the_deviation_of_a_sample():
    result = spread({"a": CONTENT, "b": changed(0.9, 0.6), "c": changed(0.7, 0.8)})
    row, budget = result["routed"]
    assert row["threshold"] == 0.8 and budget["budget_ms"] == 3.0
    assert row["accuracy"] == pytest.approx({"mean": 0.8, "std": 0.1})
    assert row["macs_mean"] == {"mean": 1e6, "std": 0}
    assert budget["threshold"] == pytest.approx({"mean": 0.7, "std": 0.1})
    assert result["all_branches"]["params"] == {"mean": 1e5, "std": 0}


def test_the_table_names_the_settings_that_differ():
    result = spread({"a": CONTENT, "b": changed(0.9)})
    settings = {"a": tiny_settings(seed=1), "b": tiny_settings(seed=2, momentum=0.5)}
    text = table(result, settings)
    assert "(of a sample, n - 1) of 2 runs, which differ in --momentum, --seed" in text
    assert "85.00 ± 7.07 %" in text and "1.00 M ± 0" in text and "budget 3 ms" in text


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"a": CONTENT, "b": changed(dataset="cats")}, "b was evaluated on cats"),
        ({"a": CONTENT, "b": changed(routed=CONTENT["routed"][:1] * 2)}, "other thr"),
    ],
)
def test_runs_that_cannot_be_averaged_are_refused(contents, message):
    with pytest.raises(ValueError, match=message):
        spread(contents)


def test_runs_are_checked_before_one_is_evaluated(tiny_run, tmp_path):
    copies = [tmp_path / name for name in ("a", "b", "cats")]
    for copy_of_run in copies:
        shutil.copytree(tiny_run.path, copy_of_run)
    flags = copies[2] / "flags.txt"
    flags.write_text(flags.read_text().replace("=digits", "=cifar10"))
    first, second, cats = map(str, copies)
    assert check_runs([first, second])[first].dataset == "digits"
    for run_dirs, message in (
        ([first], "at least two runs; got"),
        ([first, f"{tmp_path}/./a"], "twice"),
        ([first, f"{first}/"], "twice"),
        ([first, second, cats], "--dataset=digits, and .* --dataset=cifar10"),
    ):
        with pytest.raises(UserError, match=message):
            check_runs(run_dirs)

"""Oracles that are killed at any moment: their searches, without a training."""

import keras_tuner
import numpy as np
import pytest

from tfdyn.errors import UserError
from tfdyn.tuning import oracles, rungs
from tfdyn.tuning.search_folder import SearchFolder
from tfdyn.tuning.tuner import TrainingTuner


class Killed(BaseException):
    """What a killed process does: nothing of it runs any more."""


def make_space():
    space = keras_tuner.HyperParameters()
    space.Float("lambda", 0.01, 1, sampling="log")
    space.Choice("filters", [8, 12, 16])
    return space


def run_search(path, name, train, max_trials=9, resource=None):
    """Runs a search to its end and returns the values of its trials in their order."""
    folder = SearchFolder(path)
    (path / "trials").mkdir(exist_ok=True)
    oracle = oracles.make(name, "score", make_space(), max_trials, 0, resource)

    def recorded(number, values):
        record = train(number, values)
        folder.write_record({"trial": number, **record})
        return record

    TrainingTuner(oracle, folder, recorded).search()
    return [trial.hyperparameters.values for trial in oracle.trials.values()]


def score(number, values):
    number = values["lambda"] + values["filters"] / 100
    return {"status": "finished", "score": number}


@pytest.mark.parametrize(
    ("name", "trials", "resource"),
    [
        ("random", 9, None),
        ("bayesian", 3, None),
        ("grid", 9, None),
        ("hyperband", 23, 9),
        ("hyperband", 12, 3),  # Two iterations.
    ],
)
def test_a_search_that_is_killed_again_and_again_tries_what_a_whole_one_does(
    name, trials, resource, tmp_path, monkeypatch
):
    for folder in ("whole", "killed"):
        (tmp_path / folder).mkdir()
    whole = run_search(tmp_path / "whole", name, score, trials, resource)
    assert len(whole) == trials

    write, random = oracles.write_json, np.random.default_rng(0)

    def maybe_kill():
        if random.random() < 0.15:
            raise Killed

    def killed_write(path, content):
        maybe_kill()
        write(path, content)
        maybe_kill()

    def killed_train(number, values):
        maybe_kill()
        return score(number, values)

    monkeypatch.setattr(oracles, "write_json", killed_write)
    again = None
    while again is None:
        try:
            path = tmp_path / "killed"
            again = run_search(path, name, killed_train, trials, resource)
        except Killed:
            pass
    assert again == whole


def test_hyperband_has_as_many_trials_as_its_rungs_say():
    for resource in (3, 9, 27, 243):
        oracle = oracles.make("hyperband", "score", make_space(), 9999, 0, resource)
        sizes = [
            oracle._get_size(bracket, rung)
            for bracket in range(oracle._get_num_brackets())
            for rung in range(bracket + 1)
        ]
        assert sum(sizes) == rungs.trials(resource)


def test_a_broken_state_is_an_error_of_one_line(tmp_path):
    run_search(tmp_path, "random", score, max_trials=1)
    (tmp_path / "keras_tuner/oracle.json").write_text('{"trials": [3]}')
    with pytest.raises(UserError, match=r"oracle.json is not the state of a search"):
        run_search(tmp_path, "random", score, max_trials=2)


def test_three_failures_in_a_row_end_a_search_and_others_do_not(tmp_path, capsys):
    def fail_often(number, values):
        if number % 3:
            raise UserError(f"trial {number} diverged.")
        return score(number, values)

    assert len(run_search(tmp_path, "random", fail_often, max_trials=5)) == 5
    assert "trial 4 failed: trial 4 diverged." in capsys.readouterr().err

    def fail(number, values):
        raise UserError("it diverged.")

    with pytest.raises(UserError, match="3 trials have failed in a row.*it diverged"):
        run_search(tmp_path, "random", fail, max_trials=9)
    # The same command tries others.
    assert len(run_search(tmp_path, "random", score, max_trials=9)) == 9


def test_any_other_error_ends_a_search(tmp_path):
    def fail(number, values):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        run_search(tmp_path, "random", fail)
    assert len(run_search(tmp_path, "random", score)) == 9

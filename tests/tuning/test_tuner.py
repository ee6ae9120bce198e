"""A chief and its workers over loopback, without a training."""

import socket
import threading

import pytest
from keras_tuner.src.distribute import oracle_chief

from tfdyn.locks import locked
from tfdyn.tuning import oracles
from tfdyn.tuning.search_folder import SearchFolder
from tfdyn.tuning.tuner import TrainingTuner


class Killed(BaseException):
    """What a killed process does: nothing of it runs any more."""


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    """A function that makes the tuner of a process, by its ID."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(port))
    sleep = oracle_chief.time.sleep
    monkeypatch.setattr(oracle_chief.time, "sleep", lambda _: sleep(0.05))
    (tmp_path / "trials").mkdir()

    def make(name, train=None, max_trials=6):
        import keras_tuner

        monkeypatch.setenv("KERASTUNER_TUNER_ID", name)
        space = keras_tuner.HyperParameters()
        space.Float("lambda", 0.01, 1, sampling="log")
        oracle = oracles.make("random", "score", space, max_trials, 0)
        return TrainingTuner(oracle, SearchFolder(tmp_path), train)

    return make


def test_a_worker_that_is_killed_gets_its_trial_again(cluster):
    chief = cluster("chief")
    server = threading.Thread(target=chief.search)
    server.start()
    begun = {"one": [], "other": []}

    def trainer(name, kill=False):
        def train(number, values):
            begun[name].append(number)
            if kill:
                raise Killed
            return {"status": "finished", "score": values["lambda"]}

        return train

    with pytest.raises(Killed):
        cluster("one", trainer("one", kill=True)).search()
    cluster("other", trainer("other")).search()
    assert server.is_alive()  # It waits for the other worker.
    cluster("one", trainer("one")).search()
    server.join(timeout=20)
    assert not server.is_alive()
    assert begun == {"one": [0, 0], "other": [1, 2, 3, 4, 5]}
    trials = chief.oracle.trials.values()
    assert [trial.status for trial in trials] == ["COMPLETED"] * 6
    for trial in trials:
        assert trial.score == pytest.approx(trial.hyperparameters.values["lambda"])


def test_a_chief_that_is_started_again_leaves_a_living_worker_its_trial(
    cluster, tmp_path
):
    chief = cluster("chief")
    running = [chief.oracle.create_trial(name) for name in ("living", "killed")]
    with_model = tmp_path / "trials/0000"
    with_model.mkdir()
    with locked(with_model):
        again = cluster("chief")
    living, killed = (trial.trial_id for trial in running)
    assert again.oracle.create_trial("living").trial_id == living
    assert again.oracle.create_trial("new").trial_id == killed

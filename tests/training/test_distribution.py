"""One training on one device, two replicas, and two workers, one of them killed."""

import csv
import json
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from addresses import free_addresses
from paths import ROOT
from tiny_settings import (
    QUICK_BRANCHES,
    smallest_networks,
    tiny_dmnn_settings,
    tiny_instanas_settings,
    tiny_settings,
    two_modules,
)

from tfdyn.runs.run_folder import RunFolder
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.training.distribution import Distribution, WorkerLostError
from tfdyn.training.trainer import train

# Two steps an epoch; noise, drops and augmentation of each example matter.
SETTINGS = {"synchronized_batch_norm": True, "pretrain_learning_rate": 0.01}
# What only some families have.
DROPS = {
    "drnet_tiny": {
        "branches": QUICK_BRANCHES,
        "drop_connection": 0.3,
        "drop_branch": 0.3,
        "drop_schedule": "constant",
        "gradient_clip": 0.5,
        "router_learning_rate_factor": 0.5,
        "color_jitter": True,
    },
    "dmnn_tiny": {},
    "instanas_tiny": {"drop_branch": 0.3},
}

# Of the run whose workers are killed: long enough to be killed in twice.
KILLED = {"pretrain_epochs": 12, "finetune_epochs": 0, "validation_share": 0.0}


@pytest.fixture(scope="module")
def settings(few_images):
    """A function of changes to the settings, and smaller networks to train."""
    makers = {"dmnn_tiny": tiny_dmnn_settings, "instanas_tiny": tiny_instanas_settings}

    def settings(network="drnet_tiny", **changes):
        make = makers.get(network, tiny_settings)
        return make(**{**SETTINGS, **few_images, **DROPS[network], **changes})

    with smallest_networks(), two_modules():
        yield settings


@pytest.fixture(scope="module")
def train_on_two_replicas():
    # Two distributions in one process would mix up what their replicas exchange.
    distribution = Distribution("mirrored")
    gpus = tf.config.list_logical_devices("GPU")
    assert distribution.replicas == (len(gpus) or 2)

    def train_on_two_replicas(settings, run_dir):
        train(settings, run_dir, distribution=distribution)

    return train_on_two_replicas


@pytest.fixture(scope="module")
def start():
    """Starts processes, and ends them with the test."""
    started = []

    def start(*arguments, **environment):
        environment |= {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def finish(*processes):
    for process in processes:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    return errors


def worker(start, settings, run_dir, cluster, index, *flags):
    flagfile = run_dir.with_suffix(".flags")
    flagfile.write_text(to_flagfile(settings))
    task = {"type": "worker", "index": index}
    return start(
        *("-m", "tfdyn.train", f"--flagfile={flagfile}", f"--run_dir={run_dir}"),
        *("--strategy=multi_worker", *flags),
        TF_CONFIG=json.dumps({"cluster": {"worker": cluster}, "task": task}),
    )


@pytest.fixture(scope="module")
def one_device(settings, tmp_path_factory):
    return train(settings(), tmp_path_factory.mktemp("one_device") / "run").path


def rows(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def assert_same_run(folder, other, atol):
    for ours, theirs in zip(rows(folder), rows(other), strict=True):
        assert float(ours["loss"]) == pytest.approx(float(theirs["loss"]), abs=atol)
        assert ours["accuracy"] == pytest.approx(theirs["accuracy"])
    models = [RunFolder(each).load_model() for each in (folder, other)]
    for ours, theirs in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=atol, atol=atol)


@pytest.mark.slow
def test_two_replicas_train_as_one_device(
    settings, one_device, train_on_two_replicas, tmp_path
):
    train_on_two_replicas(settings(), tmp_path / "run")
    assert_same_run(tmp_path / "run", one_device, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("rate_bias", [0.0, 0.05])
def test_two_replicas_hold_the_rates_of_the_global_batch(
    settings, train_on_two_replicas, tmp_path, rate_bias
):
    # Few steps: where floats are nearly one, a gate may open in one run alone.
    run_settings = settings("dmnn_tiny", target_rate=0.4, rate_bias=rate_bias)
    train_on_two_replicas(run_settings, tmp_path / "two")
    one = train(run_settings, tmp_path / "one").path
    assert_same_run(tmp_path / "two", one, atol=1e-4)


@pytest.mark.slow
def test_two_replicas_search_as_one_device(settings, train_on_two_replicas, tmp_path):
    # Draws of policies, their shuffling over both, and the point that is gone on from.
    run_settings = settings("instanas_tiny")
    train_on_two_replicas(run_settings, tmp_path / "two")
    one = train(run_settings, tmp_path / "one").path
    assert_same_run(tmp_path / "two", one, atol=1e-3)
    assert (tmp_path / "two" / "operating_points" / "E" / "model.keras").exists()


@pytest.mark.slow
def test_two_replicas_in_mixed_precision_with_their_own_batch_norm(
    settings, one_device, train_on_two_replicas, tmp_path
):
    changes = {"dtype_policy": "mixed_float16", "synchronized_batch_norm": False}
    train_on_two_replicas(settings(**changes), tmp_path / "run")
    # A batch and its halves have nearly the same moments.
    losses = [float(row["loss"]) for row in rows(tmp_path / "run")]
    others = [float(row["loss"]) for row in rows(one_device)]
    assert losses == pytest.approx(others, rel=0.02) and losses != others


@pytest.mark.slow
def test_a_port_that_is_taken_is_an_error(start, settings, tmp_path):
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        address = f"localhost:{taken.getsockname()[1]}"
        cluster = [address, "localhost:1"]
        process = worker(start, settings(), tmp_path / "run", cluster, 0)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "error: Worker 0 cannot join the cluster in TF_CONFIG" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_two_workers_train_as_one_device(settings, one_device, start, tmp_path):
    cluster = free_addresses()
    chief, other = (
        worker(start, settings(), tmp_path / "run", cluster, i) for i in (0, 1)
    )
    assert "worker 0 of 2, 2 replicas" in finish(chief)
    assert "worker 1 of 2, 2 replicas is done" in finish(other)
    assert_same_run(tmp_path / "run", one_device, atol=1e-5)
    assert (tmp_path / "run" / "evaluation.json").exists()


def wait_for_epoch(folder, epoch, seconds=120):
    for _ in range(10 * seconds):
        if (folder / "metrics.csv").exists() and len(rows(folder)) >= epoch:
            return
        time.sleep(0.1)
    raise AssertionError(f"{folder} did not come to epoch {epoch}")


@pytest.mark.slow
def test_killed_workers_that_come_back(settings, start, tmp_path):
    run_settings = settings(**KILLED)
    whole = train(run_settings, tmp_path / "whole").path
    folder, cluster = tmp_path / "run", free_addresses()

    def begin(index):
        return worker(start, run_settings, folder, cluster, index, "--noevaluate")

    def kill(process):
        process.kill()
        return process.communicate()[1]

    lost = "lost another worker. Starting again"
    chief, other = begin(0), begin(1)
    wait_for_epoch(folder, 2)
    kill(other)
    other = begin(1)
    wait_for_epoch(folder, 6)
    assert lost in kill(chief)
    chief = begin(0)
    assert lost in finish(chief, other)
    # Sums over processes are not those over threads to the last bit.
    assert_same_run(folder, whole, atol=1e-3)


def test_a_strategy_that_is_none():
    with pytest.raises(ValueError, match="one_device, mirrored, multi_worker; got 'x'"):
        Distribution("x")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, "needs the environment variable TF_CONFIG, such as"),
        ("{", "TF_CONFIG cannot be read"),
        ("{}", "TF_CONFIG cannot be read"),
        (
            '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, '
            '"task": {"type": "worker", "index": 0}}',
            "may name workers only",
        ),
        *(
            (
                f'{{"cluster": {{"worker": {workers}}}, '
                '"task": {"type": "worker", "index": 0}}',
                "HOST:PORT, with a port from 1 to 65535|names a worker twice",
            )
            for workers in (
                '["a:99999999"]',
                '["a:0"]',
                '["a"]',
                '["a:b"]',
                "[1]",
                '"a:1"',
                '["a:1", "a:1"]',
            )
        ),
        ('{"cluster": {"worker": []}, "task": 3}', "TF_CONFIG cannot be read"),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
            "has 1 workers, but the index of this one is 1: expected 0",
        ),
    ],
)
def test_a_cluster_that_is_none(monkeypatch, config, expected):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ValueError, match=expected):
        Distribution("multi_worker")


def test_replicas_need_equal_parts():
    distribution = Distribution()
    distribution.replicas = 3
    with pytest.raises(ValueError, match="--batch_size=128 cannot be split into 3"):
        distribution.batches(None, 128)


def test_a_lost_worker_is_told_from_other_errors():
    distribution = Distribution()
    lost = tf.errors.UnavailableError(None, None, "Socket closed")
    with pytest.raises(tf.errors.UnavailableError), distribution.watch_workers():
        raise lost
    distribution.workers = 2
    with (
        pytest.raises(WorkerLostError, match="lost another"),
        distribution.watch_workers(),
    ):
        raise lost

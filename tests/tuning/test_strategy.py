"""A search whose trainings are split over the workers of a TF_CONFIG."""

import json
import os
import subprocess
import sys

import pytest
from addresses import free_addresses
from paths import ROOT
from tiny_settings import QUICK_BRANCHES, tiny_settings

from tfdyn.settings.flagfiles import to_flagfile


@pytest.mark.slow
def test_two_workers_of_a_cluster_train_each_trial(few_images, tmp_path):
    settings = tiny_settings(
        branches=QUICK_BRANCHES, pretrain_epochs=0, finetune_epochs=1, **few_images
    )
    (tmp_path / "a.flags").write_text(to_flagfile(settings))
    (tmp_path / "a.space").write_text("cost_weight: log 0.01 1\n")
    addresses = free_addresses()
    words = ["--flagfile=a.flags", "--space=a.space", "--search_dir=found"]
    words += ["--max_trials=1", "--tuner=random", "--strategy=multi_worker"]
    words += ["--thresholds=1"]
    processes = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": addresses}, "task": task}
        environment = {"TF_CONFIG": json.dumps(config), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-m", "tfdyn.tune", *words],
            cwd=tmp_path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
    try:
        ends = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, ends, strict=True):
        assert process.returncode == 0, errors
    assert "is the best: hypervolume" in ends[0][0] and not ends[1][0]
    assert ends[1][1].count("worker 1 of 2, 2 replicas is done") == 1
    content = json.loads((tmp_path / "found/results.json").read_text())
    assert [each["status"] for each in content["trials"]] == ["finished"]

"""What `python -m tfdyn.tune` refuses, before it trains."""

import pytest
from in_process import run
from paths import ROOT

from tfdyn.tuning.search_folder import SearchFolder

CONFIG = f"--flagfile={ROOT}/configs/drnet_tiny.flags"
SPACE = f"--space={ROOT}/configs/spaces/drnet.space"
WRONG = [
    ([CONFIG], "--space is missing. It is: File of the settings to search"),
    ([CONFIG, f"--space={ROOT}/configs/spaces/dmnn.space"], "a setting of DMNN"),
    ([CONFIG, "--space=no.space"], "There is no no.space, a search space"),
    ([CONFIG, SPACE, "--objective=accuracy"], "write accuracy@23M"),
    ([CONFIG, SPACE, "--objective=accuracy@0.7ms"], "name a table with"),
    ([CONFIG, SPACE, "--objective=accuracy@23"], "23 MACs, and 251904 run"),
    ([CONFIG, SPACE, "--latency_table=no.json"], "There is no cost table no.json"),
    ([CONFIG, SPACE, "--tuner=hyperband", "--max_trials=5"], "--max_trials=6 at least"),
    ([CONFIG, SPACE, "--validation_share=0"], "--validation_share=0 leaves none"),
    ([CONFIG, SPACE, "--thresholds=0.5,2"], "--thresholds: "),
    (
        [CONFIG, SPACE, f"--beside={ROOT}/pretrained/drnet_xs_cifar10"],
        "has --dataset=cifar10, and this search --dataset=digits",
    ),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_bad_input_is_one_clear_line(words, message, tmp_path):
    result = run("tfdyn.tune", *words, cwd=tmp_path)
    assert result.status == 1 and message in result.stderr.replace("\n ", " ")
    assert len(result.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.rglob("trials/*"))


def test_a_folder_of_another_space_and_half_a_cluster_are_refused(
    tmp_path, monkeypatch
):
    SearchFolder(tmp_path / "a").start({"space": "filters: 4 8"})
    result = run("tfdyn.tune", CONFIG, SPACE, "--search_dir=a", cwd=tmp_path)
    assert result.status == 1 and "filters: 4 8 there" in result.stderr
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    result = run("tfdyn.tune", CONFIG, SPACE, cwd=tmp_path)
    assert result.status == 1 and "KERASTUNER_TUNER_ID is not set" in result.stderr

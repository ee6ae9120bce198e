"""The latency command: from a run and a device to a table, and what is said."""

import json
import subprocess
import sys

import adb_phone
import pytest
from paths import ROOT
from tiny_networks import latency_table, make

from export.latency import __main__ as latency
from tfdyn.costs.cost_table import CostTable


@pytest.fixture
def phone(tmp_path, monkeypatch):
    with adb_phone.connected(tmp_path, monkeypatch) as phone:
        yield phone


def command(run, path, *flags):
    return subprocess.run(
        [
            *(sys.executable, "-m", "export.latency"),
            *(f"--run_dir={run.path}", f"--output={path}", *flags),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


def test_the_command_writes_a_table_and_holds_it_against_routes(tiny_run, tmp_path):
    path = tmp_path / "latency.host.json"
    result = command(tiny_run, path, "--rounds=2", "--validate=6")
    assert not result.returncode, result.stderr
    table = CostTable.load(path)
    assert table.unit == "ms" and table.provenance["num_threads"] == 1
    content = json.loads((tmp_path / "latency.host.validation.json").read_text())
    assert content["routes"] == 6 and content["rounds"] == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        *("latency.host.json", "latency.host.validation.json"),
        "latency.host.validation.png",
    ]
    assert "profiling" in result.stdout and "within 10 percent" in result.stdout
    assert f"wrote {path}" in result.stdout
    # What is there is not made again.
    result = command(tiny_run, path, "--rounds=1", "--validate=2", "--json")
    assert json.loads(result.stdout)["routes"] == 2 and not result.returncode
    assert CostTable.load(path).provenance == table.provenance


@pytest.mark.parametrize("name", ["phone", "adb:", "host:1", ""])
def test_devices_that_are_none(name):
    with pytest.raises(ValueError, match=f"host, adb or adb:SERIAL; got '{name}'"):
        latency.make_device(name)


def test_devices(phone):
    assert latency.make_device("host").name == "host"
    assert latency.make_device("adb").name == f"adb-{adb_phone.SERIAL}"
    phone.play(devices={"a": "device", "b": "device"})
    assert latency.make_device("adb:b").name == "adb-b"
    with pytest.raises(ValueError, match="are for --device=adb"):
        latency.make_device("host", app=True)


def test_a_table_as_people_read_it():
    model = make(auxiliary_head=False)
    table = latency_table(model)
    for entry, module in zip(table.modules.values(), model.modules, strict=False):
        entry.update(name=module.name, count=2, spread=0.001)
    lines = latency.table_text(table, 1.25).splitlines()
    assert lines[0].split() == ["count", "ms", "spread"]
    assert lines[1].split() == [
        "stem",
        "2",
        f"{table.cost(model.modules[0]):.4f}",
        "0.0010",
    ]
    assert [line.split()[-1] for line in lines[-4:]] == [
        *("0.0030", "0.0010", "0.0500", "1.2500"),
    ]


def test_a_validation_as_people_read_it():
    row = {"correlation": 0.99876, "within_5_percent": 0.9, "within_10_percent": 1.0}
    row |= {"median_error": 0.0123, "worst_error": 0.07, "bias": -0.004}
    row["repeated"] = {**row, "bias": 0.001}
    text = latency.validation_text(row)
    assert "correlation               0.9988      0.9988" in text
    assert "bias                      -0.40%       0.10%" in text
    text = latency.validation_text({**row, "remeasured": {**row, "bias": -0.02}})
    assert "bias                      -0.40%       0.10%      -2.00%" in text

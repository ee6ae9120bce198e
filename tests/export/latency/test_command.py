"""The latency command: from a run and a device to a table, and what is said."""

import json

import in_process
import pytest
from tiny_networks import latency_table

from tfdyn.costs.cost_table import CostTable


def command(run, path, *flags):
    arguments = f"--run_dir={run.path}", f"--output={path}", *flags
    return in_process.run("export.latency", *arguments)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--precision=int8",), "holds times of float32, not of int8: name another"),
        (("--precision=int8", "--check"), "measured with --precision=float32: leave"),
        (("--precision=int8", "--validate=2"), "with --precision=float32: leave out"),
    ],
)
def test_precisions_are_not_mixed(tiny_run, tmp_path, flags, message):
    path = tmp_path / "latency.host.json"
    latency_table(tiny_run.load_model()).save(path)
    before = path.read_bytes()
    result = command(tiny_run, path, *flags)
    assert result.status == 1 and message in result.stderr
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == before


def test_the_command_writes_a_table_and_holds_it_against_routes(tiny_run, tmp_path):
    path = tmp_path / "latency.host.json"
    result = command(tiny_run, path, "--rounds=2", "--validate=6")
    assert not result.status, result.stderr
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
    assert json.loads(result.stdout)["routes"] == 2 and not result.status
    assert CostTable.load(path).provenance == table.provenance

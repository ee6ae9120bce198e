"""Which cost table predicts the milliseconds of a run."""

import shutil

import pytest
from paths import ROOT
from tiny_networks import latency_table

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.runs.run_folder import RunFolder
from tfdyn.runs.tables import load_table


@pytest.fixture(scope="module")
def model(tiny_run):
    return tiny_run.load_model()


@pytest.fixture
def run(tiny_run, tmp_path):
    """A copy of the run, to put tables into."""
    return RunFolder(shutil.copytree(tiny_run.path, tmp_path / "run"))


def test_a_run_without_a_table(run):
    assert load_table(run) == (None, None)
    with pytest.raises(ValueError, match="Make one with `python -m export.latency"):
        load_table(run, needed=True)


def test_of_several_tables_one_must_be_named(run, model):
    table = latency_table(model)
    for name in ("latency.host.json", "latency.adb-1.5.json"):
        table.save(run / name)
    assert load_table(run) == (None, None)
    with pytest.raises(ValueError, match="latency.adb-1.5.json, .*latency.host.json"):
        load_table(run, needed=True)
    path, named = load_table(run, run / "latency.host.json", needed=True)
    assert path == str(run / "latency.host.json") and named.remainder == 0.05


def test_a_table_of_another_precision_does_not_count(run, model):
    table = latency_table(model)
    table.provenance = {"precision": "int8"}
    table.save(run / "latency.host-int8.json")
    assert load_table(run) == (None, None)
    assert load_table(run, precision="int8")[0] == str(run / "latency.host-int8.json")
    latency_table(model).save(run / "latency.host.json")
    assert load_table(run, needed=True)[0] == str(run / "latency.host.json")
    with pytest.raises(ValueError, match="table of dynamic .*=dynamic`, or name one"):
        load_table(run, needed=True, precision="dynamic")
    # It may be named.
    assert load_table(run, run / "latency.host-int8.json")[1].unit == "ms"


def test_a_table_of_another_machine_is_not_used_in_silence(run, model, caplog):
    table = latency_table(model)
    device = {"device": "host", "processor": "Cortex-A53", "cores": 8}
    table.provenance = {"device": device, "num_threads": 2, "date": "1999-01-01"}
    table.save(run / "latency.host.json")
    load_table(run)
    assert f"{run}/latency.host.json was measured on Cortex-A53 (8 cores" in caplog.text
    assert "this machine is" in caplog.text and "1999-01-01" in caplog.text


def test_a_budget_needs_a_table_in_ms(run, model):
    CostTable.count(model.modules).save(run / "macs.json")
    assert load_table(run, run / "macs.json")[1].unit == "macs"
    with pytest.raises(ValueError, match="is in macs: a table in ms is needed"):
        load_table(run, run / "macs.json", needed=True)


def test_the_table_that_the_run_was_trained_with(run, model, tmp_path):
    path = tmp_path / "table.json"
    with (run / "flags.txt").open("a") as file:
        file.write(f"--cost_table={path}\n")
    assert load_table(run) == (None, None)  # The file is gone.
    CostTable.count(model.modules).save(path)
    assert load_table(run) == (None, None)  # It is not in ms.
    latency_table(model).save(path)
    assert load_table(run)[0] == str(path)
    latency_table(model).save(run / "latency.host.json")
    assert load_table(run)[0] == str(run / "latency.host.json")


@pytest.mark.parametrize("name", ["drnet", "dmnn", "instanas"])
def test_the_shipped_tables_fit_the_shipped_networks(name):
    run = RunFolder(ROOT / f"pretrained/{name}_xs_cifar10")
    _, table = load_table(run)
    assert RouteCost(run.load_model().modules, table).unit == "ms"

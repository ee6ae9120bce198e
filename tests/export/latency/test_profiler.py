"""Profiler: small files, timed on a device, become a latency table."""

import numpy as np
import pytest
from clock import Clock, own_route

from export import source as sources
from export.latency import probes, profiler
from export.latency.devices.host import Host
from export.latency.precision import Precision
from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost


@pytest.fixture(scope="module")
def source(tiny_run, tmp_path_factory):
    return sources.from_run(tiny_run.path, tmp_path_factory.mktemp("run") / "export")


@pytest.fixture(scope="module")
def image(source):
    return np.full(source.input_format.shape, 99, "uint8")


@pytest.fixture(scope="module")
def probe_files(source, image, tmp_path_factory):
    probe_files = probes.Probes(source, tmp_path_factory.mktemp("files"), image)
    probe_files.make()
    return probe_files


@pytest.fixture
def clock(source, image):
    return Clock(source.model, own_route(source.model, image, source.input_format))


def test_a_host_is_profiled(source, image, probe_files, tmp_path, monkeypatch):
    monkeypatch.setattr(profiler, "Probes", lambda *args: probe_files)
    path = tmp_path / "latency.host.json"
    table = profiler.profile(source, Host(), path, image, least=1, most=2)
    assert CostTable.load(path).modules == table.modules
    assert list(tmp_path.iterdir()) == [path]
    cost = RouteCost(source.model.modules, table)
    assert 0 < cost.fixed < 100 and cost.all_branches > 0
    assert table.provenance["rounds"] == 2
    assert table.provenance["precision"] == "float32"
    assert table.provenance["device"]["device"] == "host"


def test_what_is_interrupted_is_resumed(
    source, image, probe_files, tmp_path, clock, monkeypatch
):
    monkeypatch.setattr(profiler, "Probes", lambda *args: probe_files)
    path = tmp_path / "latency.clock.json"
    size = len(probe_files.files)
    clock.fails_at = 3 * size + 1
    with pytest.raises(
        KeyboardInterrupt, match="clock.partial: the same command resumes"
    ):
        profiler.profile(source, clock, path, image, least=5, most=5)
    assert not path.exists()
    clock.fails_at = None
    table = profiler.profile(source, clock, path, image, least=5, most=5)
    # Three whole rounds were kept; one timing was lost.
    assert len(clock.measured) == 5 * size + 1
    assert table.provenance["rounds"] == 5
    # Other settings start anew.
    clock.fails_at = len(clock.measured) + 2 * size
    with pytest.raises(KeyboardInterrupt):
        profiler.profile(source, clock, path, image, least=5, most=5)
    clock.fails_at, clock.measured = None, []
    profiler.profile(source, clock, path, image, num_threads=2, least=5, most=5)
    assert len(clock.measured) == 5 * size
    # So does another precision.
    clock.fails_at = len(clock.measured) + 2 * size
    with pytest.raises(KeyboardInterrupt):
        profiler.profile(source, clock, path, image, least=5, most=5)
    clock.fails_at, clock.measured = None, []
    half = Precision("float16")
    table = profiler.profile(source, clock, path, image, 1, 5, 5, half)
    assert len(clock.measured) == 5 * size
    assert table.provenance["precision"] == "float16"

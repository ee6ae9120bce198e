"""Validation: predictions beside measurements."""

import json

import numpy as np
import pytest
from clock import Clock, own_route
from tiny_networks import make

from export import source as sources
from export.latency import probes, profiler, validation
from tfdyn.costs.cost_table import CostTable


def profiled(run, folder, count):
    """The source of a run, a clock, its latency table, and `count` images."""
    source = sources.from_run(run.path, folder / "export")
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), "uint8")
    clock = Clock(source.model, own_route(source.model, images[0], source.input_format))
    path = folder / "latency.clock.json"
    table = profiler.profile(source, clock, path, images[0], least=1, most=1)
    return source, clock, table, images


@pytest.fixture(scope="module")
def content(tiny_run, tmp_path_factory):
    """The validation of a device that is as the table says, and its clock."""
    folder = tmp_path_factory.mktemp("run")
    arguments = profiled(tiny_run, folder, 7)
    path = folder / "latency.clock.json"
    results = validation.validate(*arguments, path, least=2, most=3)
    written = json.loads((folder / "latency.clock.validation.json").read_text())
    assert written == results and (folder / "latency.clock.validation.png").exists()
    return results, arguments[1]


@pytest.fixture
def untrained():
    model = make(auxiliary_head=False)
    return sources.Source("tiny, untrained", model, None, None, None)


def test_a_device_that_is_as_the_table_says(content):
    content, clock = content
    json.dumps(content)
    assert content["routes"] == len(content["predicted_ms"]) == 7
    assert content["within_5_percent"] == content["within_10_percent"] == 1
    assert content["correlation"] > 0.9999 and content["worst_error"] < 1e-5
    assert abs(content["bias"]) < 1e-5 and content["repeated"]["worst_error"] == 0
    assert content["remeasured"]["routes"] == probes.ROUTES
    assert content["remeasured"]["worst_error"] < 1e-5
    assert content["own"] == [True] * 4 + [False] * 3
    assert content["rounds"] == 3 and content["device"] == clock.describe()
    # From one branch a connection to all.
    random = content["measured_ms"][4:]
    assert random[0] < random[1] < random[2]


def test_of_an_untrained_network_all_routes_are_random(untrained):
    routes, of_images = validation.choose_routes(untrained, np.zeros((5, 8, 8, 1)))
    assert not any(of_images)
    connections = len(untrained.model.mixed_ops)
    most = routes.shape[1] // connections
    per_connection = np.count_nonzero(routes, axis=1) / connections
    np.testing.assert_allclose(per_connection, np.linspace(1, most, 5), atol=0.5)


def test_a_table_of_another_device_is_refused(untrained, tmp_path):
    table = CostTable(
        "ms", {"KEY": {"cost": 1.0}}, provenance={"device": {"device": "adb-1"}}
    )
    clock, images = Clock(untrained.model), np.zeros((1, 8, 8, 1))
    with pytest.raises(ValueError, match="of the device adb-1, not of clock"):
        validation.validate(untrained, clock, table, images, tmp_path)


def test_compare():
    predicted, measured = np.array([[1.0, 2.09, 2.0, 3.0], [1.0, 2.0, 2.2, 4.0]])
    result = validation.compare(predicted, measured)
    assert result["routes"] == 4
    assert result["within_5_percent"] == 0.5 and result["within_10_percent"] == 0.75
    assert result["worst_error"] == pytest.approx(0.25)
    assert result["median_error"] == pytest.approx((0.045 + 1 / 11) / 2)
    assert result["bias"] == pytest.approx((0.045 - 1 / 11 - 0.25) / 4)
    assert result["correlation"] == pytest.approx(
        np.corrcoef(predicted, measured)[0, 1]
    )


def test_routes_that_all_take_as_long_tell_no_correlation():
    result = validation.compare(np.full(3, 2.0), np.full(3, 2.1))
    assert np.isnan(result["correlation"]) and result["within_5_percent"] == 1


def test_it_resumes_after_an_interrupt(tiny_run, tmp_path):
    arguments, path = profiled(tiny_run, tmp_path, 3), tmp_path / "latency.clock.json"
    clock, folder = arguments[1], tmp_path / "latency.clock.validation.partial"

    def validate():
        return validation.validate(*arguments, path, least=3, most=3)

    expected, calls = validate(), len(clock.measured)
    whole = clock.measured[-(3 + probes.ROUTES) * 3 :]
    clock.measured.clear()
    clock.fails_at = len(whole) // 3 + 2  # In the second round.
    with pytest.raises(KeyboardInterrupt) as error:
        validate()
    assert "the same command resumes there" in error.value.__notes__[0]
    clock.fails_at = None
    clock.measured.clear()
    assert validate() == expected and calls
    assert len(clock.measured) == len(whole) * 2 // 3
    assert not folder.exists()

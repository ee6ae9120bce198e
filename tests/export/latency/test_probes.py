"""Probes: the files whose times make a latency table."""

import numpy as np
import pytest
from tiny_settings import tiny_dmnn_settings

from export import source as sources
from export.interpreter import Interpreter
from export.latency import probes


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


def test_files_are_of_every_module_once(source, probe_files):
    keys = probes.distinct(source.model.modules)
    names = {module.name for module, _ in keys.values()}
    assert names <= set(probe_files.files) and sum(n for _, n in keys.values()) > len(
        keys
    )
    assert set(probe_files.folder.iterdir()) == set(probe_files.files.values())
    assert set(probe_files.inputs) <= set(probe_files.files)
    assert (
        not probe_files.routes[probes.OFF].any()
        and probe_files.routes[probes.FORCED].any()
    )


def test_gated_files_are_chains(source, probe_files):
    for module, _ in probes.distinct(source.model.modules).values():
        if module.kind != "branch":
            continue
        alone = Interpreter(probe_files.files[module.name])
        chain = Interpreter(probe_files.files[probes.name_if_taken(module)])
        inputs = np.random.default_rng(0).normal(size=alone.inputs["inputs"].shape)
        expected = np.asarray(module.layer(inputs.astype("float32")))
        single = alone(inputs=inputs, initial=0 * expected + 1, weights=[0.5])
        np.testing.assert_allclose(single["outputs"], 1 + 0.5 * expected, atol=1e-5)
        for weight in (1, 0):
            sum_inputs = {
                "initial": 0 * expected,
                "weights": np.full(probes.CHAIN, weight),
            }
            outputs = chain(inputs=inputs, **sum_inputs)["outputs"]
            total = weight * probes.CHAIN * expected
            np.testing.assert_allclose(outputs, total, atol=1e-4)


def test_the_whole_gives_the_route_that_is_forced(probe_files):
    whole = Interpreter(probe_files.files[probes.ROUTED])
    route = whole(**probe_files.inputs[probes.ROUTED])["route"][0]
    np.testing.assert_allclose(route, probe_files.routes[probes.FORCED], atol=1e-5)


def test_files_are_not_made_again(source, probe_files, image, monkeypatch):
    monkeypatch.setattr(probes.Probes, "_whole", None)
    monkeypatch.setattr(probes, "_traced", None)
    probes.Probes(source, probe_files.folder, image).make()


def test_a_file_that_is_not_whole_is_made_again(source, probe_files, image):
    path = probe_files.files[probes.EMPTY]
    content = path.read_bytes()
    for broken in (b"", content[:100]):
        path.write_bytes(broken)
        probes.Probes(source, probe_files.folder, image).make()
        assert path.read_bytes() == content


def test_a_router_that_sees_the_one_before_has_two_inputs(tmp_path):
    source = sources.untrained(tiny_dmnn_settings(), "tiny")
    image = np.zeros(source.input_format.shape, "uint8")
    probe_files = probes.Probes(source, tmp_path, image)
    first, second = source.model.routers[:2]
    paths = {probe_files.files[router.name] for router in (first, second)}
    for path, content in probe_files._contents.items():
        if path in paths:
            path.write_bytes(content())
    alone = Interpreter(probe_files.files[first.name])
    assert [x.shape for x in alone.inputs.values()] == [(1, 8, 8, 16)]
    file = Interpreter(probe_files.files[second.name])
    features = np.random.default_rng(0).random((1, 8, 8, 16), "float32")
    state = np.ones((1, 32), "float32")
    outputs = file(inputs_0=features, inputs_1=state)
    expected = second([features, state])
    for index, output in enumerate(expected):
        np.testing.assert_allclose(outputs[f"outputs_{index}"], output, atol=1e-5)

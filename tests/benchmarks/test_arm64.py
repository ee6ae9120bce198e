"""Exported files on an emulated ARM64 processor: the answers of x86-64."""

import json

import in_process
import numpy as np
import pytest
from paths import ROOT
from sklearn.datasets import load_sample_images

from benchmarks import arm64, emulated
from benchmarks.emulator import set_up
from benchmarks.emulator_packages import UnavailableError
from export import source as sources
from export.exporter import export_tflite
from export.graph.form import Form
from tfdyn.errors import UserError


class StandIn:
    """Runs the script here, and changes what it writes."""

    def __init__(self, **changes):
        self.changes = changes

    def run(self, script, model, source, target):
        with np.load(source) as arrays:
            outputs = emulated.run(model, dict(arrays))
        for name, change in self.changes.items():
            outputs[name] = outputs[name].copy()
            outputs[name][0] += change
        np.savez(target, **outputs)
        rows = (100 * number for number in range(2 * len(outputs["macs"])))
        return "".join(f"INFO: x\ninstructions {number}\n" for number in rows)


def export(run, folder, images=None, **form):
    source = sources.from_run(run, folder)
    form = Form(**{"threshold": source.model.threshold, **form})
    images = source.test_images(4)[0] if images is None else images
    return export_tflite(source, form, images)[0]


@pytest.fixture(scope="module")
def path(tiny_run, tmp_path_factory):
    return export(tiny_run.path, tmp_path_factory.mktemp("export"))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ()),
        ({"logits": np.float32(1e-5)}, ()),
        ({"logits": np.float32(0.5)}, ()),
        ({"logits": np.arange(10, 0, -1) * 100}, ("class",)),
        ({"route": 7}, ("route",)),
        ({"macs": 1}, ("macs",)),
    ],
)
def test_what_differs_is_found(path, changes, names):
    inputs = arm64.inputs_of(path, 3)
    row = arm64.compare(StandIn(**changes), path, inputs)
    json.dumps(row)
    for name in ("class", "route", "macs"):
        assert row[f"same_{name}"] == 3 - (name in names), name
    assert row["images"] == 3 and row["instructions"] == 100
    large = changes.get("logits", 0)
    assert row["logits"] == pytest.approx(np.max(large), abs=1e-6)
    assert arm64.differs(row, 1e-3) == bool(names or np.max(large) > 1e-3)


def test_the_inputs_of_every_form(tiny_run, path, tmp_path):
    assert {*arm64.inputs_of(path, 2)} == {"image"}
    changed = export(
        tiny_run.path, tmp_path, threshold=0.7, threshold_input=True, preprocess=False
    )
    inputs = arm64.inputs_of(changed, 2)
    assert inputs["image"].dtype == np.float32 and inputs["image"].min() < 0
    np.testing.assert_allclose(inputs["threshold"], [0.7, 0.7])
    forced = export(tiny_run.path, tmp_path, variant="forced")
    route = arm64.inputs_of(forced, 5)["route"]
    assert len(route) == 5 and {*route.ravel()} == {0, 1}
    with pytest.raises(UserError, match=r"reads images of \(8, 8, 1\); the run has"):
        arm64.inputs_of(path, np.zeros((2, 8, 8, 3), "uint8"))
    with pytest.raises(UserError, match="There is no file"):
        arm64.inputs_of(tmp_path / "none.tflite", 2)


def test_the_command_where_nothing_can_be_had(path, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    folder = f"--emulator_dir={tmp_path / 'emulator'}"
    result = in_process.run("benchmarks.arm64", path, folder)
    assert result.status == 0 and result.stdout.startswith("skipped: ")
    result = in_process.run("benchmarks.arm64", path, folder, "--json")
    assert "skipped" in json.loads(result.stdout)
    result = in_process.run("benchmarks.arm64", folder)
    assert result.status == 1 and "No exported file was named" in result.stderr


def test_the_command_fails_where_a_file_differs(path, monkeypatch):
    monkeypatch.setattr("benchmarks.emulator.set_up", lambda _: StandIn(logits=0.5))
    result = in_process.run("benchmarks.arm64", path, "--images=2")
    assert result.status == 1 and "not the same on ARM64 and x86-64" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[3].split()[1:5] == ["2/2", "2/2", "2/2", "5.0e-01"]
    result = in_process.run("benchmarks.arm64", path, "--images=2", "--tolerance=0.6")
    assert result.status == 0


@pytest.fixture(scope="module")
def emulator():
    try:
        return set_up()
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def photos():
    """Three images of 32 x 32 pixels that need no download."""
    china, flower = (photo[::12, ::12] for photo in load_sample_images().images)
    return np.stack([china[:32, :32], china[:32, 20:52], flower[:32, :32]])


@pytest.mark.slow
@pytest.mark.parametrize("family", ["dmnn_xs", "drnet_xs", "instanas_xs"])
def test_trained_networks_answer_as_on_x86(family, emulator, photos, tmp_path):
    path = export(ROOT / "pretrained" / f"{family}_cifar10", tmp_path, photos)
    inputs = arm64.inputs_of(path, photos)
    row = arm64.compare(emulator, path, inputs)
    assert row["images"] == 3 and not arm64.differs(row, 1e-4), row
    if emulator.counts:
        # A vector instruction does several MACs.
        assert 0 < row["instructions"] < row["macs"]
    if emulator.counts and family == "instanas_xs":
        again = arm64.compare(emulator, path, inputs)
        assert again["instructions"] == row["instructions"]

"""Flags of the export commands: which network, and what has no meaning."""

import os
import shutil
import subprocess
import sys

import pytest
from paths import ROOT
from tiny_settings import tiny_settings

from tfdyn.settings.flagfiles import to_flagfile


def command(module, *arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def place(tiny_run, tmp_path_factory):
    """A folder with `runs/tiny/`, which has an operating point B, and a flagfile."""
    folder = tmp_path_factory.mktemp("place")
    shutil.copytree(tiny_run.path, folder / "runs" / "tiny")
    points = folder / "runs" / "tiny" / "operating_points"
    shutil.copytree(tiny_run.path, points / "B")
    (folder / "tiny.flags").write_text(to_flagfile(tiny_settings()))
    return folder


REFUSED = {
    "a flagfile alone": (
        ["--flagfile=tiny.flags"],
        "--run_dir=runs/NAME, or add --unt",
    ),
    "untrained and a run": (
        ["--untrained", "--run_dir=runs/tiny"],
        "--untrained and --run_dir exclude each other",
    ),
    "untrained and a point": (
        ["--untrained", "--flagfile=tiny.flags", "--operating_point=A"],
        "--untrained and --operating_point exclude each other",
    ),
    "a missing point": (
        ["--run_dir=runs/tiny", "--operating_point=A"],
        "has no operating point A",
    ),
    "a run and a flagfile of its training": (
        ["--run_dir=runs/tiny", "--flagfile=tiny.flags", "--operating_point=B"],
        "leave it out (it is in --flagfile=tiny)",
    ),
    "a setting of the training": (
        ["--run_dir=runs/tiny", "--pretrain_epochs=5"],
        "--pretrain_epochs is a setting of a training",
    ),
    "two goals": (["--budget_ms=1", "--target_rate=0.5"], "exclude each other"),
    "two budgets": (["--budget_ms=1,2"], "must be one number here; got 1,2"),
    "a rate and T": (["--target_rate=0.5", "--threshold=0.5"], "leave out --threshold"),
}


@pytest.mark.slow
@pytest.mark.parametrize("flags, message", REFUSED.values(), ids=REFUSED)
def test_what_has_no_meaning_is_refused_in_one_line(place, flags, message):
    done = command("export.tflite", *flags, cwd=place)
    assert done.returncode == 1 and not done.stdout
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: ") and message in error
    assert len(done.stderr.splitlines()) <= 2  # A warning may stand before it.


@pytest.mark.slow
def test_an_untrained_network_is_exported_loudly(place):
    flags = ["--untrained", "--flagfile=tiny.flags", "--check_images=2"]
    done = command("export.tflite", *flags, cwd=place)
    assert done.returncode == 0, done.stderr
    assert "UNTRAINED: drnet_tiny has random weights" in done.stderr
    assert (place / "runs/untrained/tiny/export/model.tflite").exists()


@pytest.mark.slow
def test_an_operating_point_in_a_flagfile_is_exported(place):
    (place / "point.flags").write_text("--operating_point=B")
    flags = ["--run_dir=runs/tiny", "--flagfile=point.flags"]
    done = command("export.tflite", *flags, "--check_images=2", cwd=place)
    assert done.returncode == 0, done.stderr
    path = "runs/tiny/operating_points/B/export/model.tflite"
    assert f"wrote {path}" in done.stdout and (place / path).exists()


@pytest.mark.slow
def test_what_is_measured_goes_to_the_run_not_to_the_export_folder(place, tmp_path):
    flags = ["--run_dir=runs/tiny", "--rounds=1"]
    done = command("export.latency", *flags, cwd=place)
    assert done.returncode == 0, done.stderr
    assert (place / "runs/tiny/latency.host.json").exists()
    done = command("export.latency", *flags, f"--output={tmp_path}", cwd=place)
    assert done.returncode == 1 and "must name a JSON file" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "module",
    [
        *("tfdyn.train", "tfdyn.evaluate", "tfdyn.summary", "tfdyn.categories"),
        "export.tflite",
        *("export.saved_model", "export.classify", "export.latency", "export.android"),
    ],
)
def test_help_does_not_wait_for_tensorflow(module):
    name = (
        f"{module}.__main__"
        if module.split(".")[1] in ("latency", "android")
        else module
    )
    code = f"import sys, {name}; assert 'tensorflow' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr

"""Flags of the export commands: which network, and what has no meaning."""

import json
import os
import re
import shutil
import subprocess
import sys

import in_process
import pytest
from paths import ROOT
from tiny_settings import tiny_settings

from tfdyn.settings.flagfiles import to_flagfile


@pytest.fixture(scope="module")
def place(tiny_run, tmp_path_factory):
    """A folder with `runs/tiny/`, which has an operating point B, and a flagfile."""
    folder = tmp_path_factory.mktemp("place")
    shutil.copytree(tiny_run.path, folder / "runs" / "tiny")
    points = folder / "runs" / "tiny" / "operating_points"
    shutil.copytree(tiny_run.path, points / "B")
    (folder / "tiny.flags").write_text(to_flagfile(tiny_settings()))
    return folder


RUN, FLAGFILE = "--run_dir=runs/tiny", "--flagfile=tiny.flags"
UNTRAINED = ("--untrained", FLAGFILE)
REFUSED = [
    ((FLAGFILE,), "--run_dir=runs/NAME, or add --untrained"),
    (("--untrained", RUN), "--untrained and --run_dir exclude each other"),
    ((*UNTRAINED, "--operating_point=A"), "--untrained and --operating_point exclude"),
    ((RUN, "--operating_point=A"), "has no operating point A"),
    ((RUN, FLAGFILE), "is a setting of a training.*it is in --flagfile=tiny"),
    ((RUN, "--pretrain_epochs=5"), "--pretrain_epochs is a setting of a training"),
    ((RUN, "--network=drnet_l"), "--network is a setting of a training"),
    ((RUN, "--flip"), "--flip is a setting of a training"),
    ((RUN, "--batch_size=5"), "--batch_size has no effect on this command"),
    ((RUN, "--budget_ms=1", "--target_rate=0.5"), "exclude each other"),
    ((RUN, "--budget_ms=1,2"), "must be one number here; got 1,2"),
    ((RUN, "--target_rate=0.5", "--threshold=0.5"), "leave out --threshold"),
    ((RUN, "--cost_table=gone.json"), "--cost_table predicts .* add --budget_ms"),
    ((RUN, "--cost_table=x", "--target_rate=0.5"), "--cost_table predicts"),
    ((RUN, "--threshold=0.5,0.6,0.7"), "--threshold: .* each of the 2 con.*got 3"),
    ((RUN, "--threshold=1.5"), "0 < T <= 1"),
    ((RUN, "--route=r.json"), "--route and --image are for --variant=fixed"),
    ((RUN, "--image=x.png"), "--route and --image are for --variant=fixed"),
    ((RUN, "--variant=fixed", "--route=r", "--image=x"), "--image exclude each other"),
    ((RUN, "--variant=fixed", "--route=r", "--threshold=1"), "no effect with --route"),
    ((RUN, "--variant=forced", "--threshold=1"), "no effect with --variant=forced"),
    ((RUN, "--variant=all_branches", "--threshold=1"), "no effect with --variant=all"),
    ((RUN, "--variant=fixed", "--latency_table=x"), "gates of the routed variant"),
    ((RUN, "--variant=fixed", "--threshold_input"), "Leave out --threshold_input"),
    ((RUN, "--variant=fixed", "--budget_ms=1"), "the file stores none"),
    ((*UNTRAINED, "--cost_table=x.json"), "--cost_table predicts"),
    ((*UNTRAINED, "--target_rate=0.5"), "needs a trained run"),
    ((*UNTRAINED, "--budget_ms=5"), "needs a trained run"),
    ((*UNTRAINED, "--latency_table=x"), "needs a trained run"),
    ((RUN, "--int8_io"), "--int8_io is for --precision=int8; got --precision=float"),
    ((RUN, "--int8_io", "--precision=int8", "--nopreprocess"), "Leave one of the two"),
    ((RUN, "--calibration_images=64"), "is for --precision=int8"),
    ((RUN, "--precision=int8", "--calibration_images=31"), "calibration_images"),
    ((RUN, "--precision=int8", "--data_dir=gone"), "data_dir='gone'"),
    (("--run_dir=",), "--run_dir= has no value"),
    ((RUN, "--budget_ms="), "--budget_ms= has no value"),
    ((RUN, "--data_dir="), "--data_dir= has no value"),
    ((RUN, "--image="), "--image= has no value"),
    ((RUN, "--export_dir="), "--export_dir= has no value"),
    ((RUN, "--check_images=0"), "--check_images"),
    ((RUN, "--data_dir=gone"), "data_dir='gone'"),
]
OTHERS = [
    ("export.saved_model", "--cost_table=x", "--cost_table has no effect"),
    ("export.saved_model", "--target_rate=0.5", "--target_rate has no effect"),
    ("export.saved_model", "--threshold=0.5,0.6,0.7", "the 2 connections; got 3"),
    ("export.android", "--target_rate=0.5", "--target_rate has no effect"),
    ("export.android", "--int8_io", "--int8_io is for --precision=int8"),
    ("export.android", "--threshold=0.5,0.6,0.7", "the 2 connections; got 3"),
    ("export.latency", "--threshold=0.5", "--threshold has no effect"),
    ("export.latency", "--cost_table=x", "--cost_table has no effect"),
    ("export.latency", "--num_threads=100000", "num_threads.*256"),
    ("export.classify", "--num_threads=1000000", "num_threads.*256"),
]
CASES = [("export.tflite", *case) for case in REFUSED]
CASES += [
    (module, (flag,) if module == "export.classify" else (RUN, flag), message)
    for module, flag, message in OTHERS
]


def listing(folder):
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize(("module", "words", "message"), CASES)
def test_what_has_no_meaning_is_refused_in_one_line(place, module, words, message):
    before = listing(place)
    done = in_process.run(module, *words, cwd=place)
    assert done.status == 1 and "wrote" not in done.stdout, done
    *warnings, error = done.stderr.splitlines()
    assert error.startswith("error: ") and re.search(message, error), error
    assert len(warnings) <= 1  # That the network is untrained.
    assert listing(place) == before


def test_flags_of_an_export_may_lie_in_a_flagfile(place, tmp_path):
    (tmp_path / "export.flags").write_text(
        f"--operating_point=B\n--check_images=2\n--export_dir={tmp_path}"
    )
    words = RUN, f"--flagfile={tmp_path}/export.flags"
    done = in_process.run("export.tflite", *words, cwd=place)
    assert done.status == 0, done.stderr
    assert (tmp_path / "model.tflite").exists()


@pytest.mark.slow
def test_an_untrained_network_is_exported_loudly(place):
    words = [sys.executable, "-m", "export.tflite", *UNTRAINED, "--check_images=2"]
    done = subprocess.run(
        words,
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "UNTRAINED: drnet_tiny has random weights" in done.stderr
    manifest = place / "runs/untrained/tiny/export/manifest.json"
    (entry,) = json.loads(manifest.read_text())["files"].values()
    assert entry["checked_on"] == "noise"


def test_an_operating_point_is_exported(place):
    words = RUN, "--operating_point=B", "--check_images=2"
    done = in_process.run("export.tflite", *words, cwd=place)
    assert done.status == 0, done.stderr
    path = "runs/tiny/operating_points/B/export/model.tflite"
    assert f"wrote {path}" in done.stdout and (place / path).exists()


@pytest.fixture(scope="module")
def without_data(place):
    """A run whose data are not on this machine."""
    folder = shutil.copytree(place / "runs" / "tiny", place / "runs" / "without")
    with open(folder / "flags.txt", "a") as file:
        file.write("--data_dir=gone/photos\n")
    return "--run_dir=runs/without"


@pytest.mark.parametrize(
    ("module", "key", "value"),
    [
        ("export.tflite", "checked_on", "noise"),
        ("export.saved_model", "checked_on", "noise"),
        ("export.android", "labelled", False),
    ],
)
def test_a_run_without_its_data_is_checked_on_noise(
    place, without_data, module, key, value
):
    words = without_data, "--check_images=2", "--json"
    done = in_process.run(module, *words, cwd=place)
    assert done.status == 0, done.stderr
    content = json.loads(done.stdout)
    assert content[key] == value and "accuracy" not in content


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--variant=fixed",), "needs --route or --image"),
        (("--target_rate=0.5",), "are not in gone/photos.*--data_dir"),
        (("--data_dir=missing",), "missing"),
    ],
)
def test_what_needs_the_data_says_so(place, without_data, words, message):
    done = in_process.run("export.tflite", without_data, *words, cwd=place)
    assert done.status == 1 and re.search(message, done.stderr.splitlines()[-1])


@pytest.mark.parametrize("module", ["tflite", "android", "latency"])
def test_int8_without_the_data_writes_nothing(place, without_data, module):
    before = listing(place)
    words = without_data, "--precision=int8"
    done = in_process.run(f"export.{module}", *words, cwd=place)
    assert done.status == 1 and "are not in gone/photos" in done.stderr
    assert done.stderr.count("\n") == 1 and listing(place) == before


@pytest.mark.slow
def test_what_is_measured_goes_to_the_run_not_to_the_export_folder(place, tmp_path):
    words = RUN, "--rounds=1"
    done = in_process.run("export.latency", *words, cwd=place)
    assert done.status == 0, done.stderr
    assert (place / "runs/tiny/latency.host.json").exists()
    words = *words, f"--output={tmp_path}"
    done = in_process.run("export.latency", *words, cwd=place)
    assert done.status == 1 and "must name a file that ends in .json" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "module",
    [
        *("tfdyn.train", "tfdyn.evaluate", "tfdyn.summary", "tfdyn.categories"),
        "tfdyn.report",
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

"""Kills: what they do to commands that write whole, and to one that does not."""

import json
import os
import pathlib
import random
import zipfile

import in_process
import numpy as np
import pytest
from paths import ROOT

from benchmarks import kill_checks as checks
from benchmarks import kills
from benchmarks.kill_cases import FOLDER, Case, cases
from benchmarks.kill_trials import Killer, Reference, trial
from tfdyn.files import write_json
from tfdyn.temporary import PREFIX, finish

COMMANDS = {
    "whole": """
from tfdyn.files import whole_set, write_text
write_text(folder / "first.json", "{}")
with whole_set(folder) as temporary:
    for name in ("a.json", "b.json"):
        (temporary / name).write_text(text)
""",
    "half": """
folder.joinpath(".tfdyn-tmp-x").mkdir(exist_ok=True)
for name in ("a.json", "b.json"):
    with open(folder / name, "a") as file:
        file.write(text[:1])
        file.flush()
        open(folder / "c.json", "a").close()
        file.write(text[1:])
""",
}
HEAD = """
import pathlib, sys
folder, text = pathlib.Path(sys.argv[1]), sys.argv[2]
folder.mkdir(exist_ok=True)
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    """A function that returns a `Case` of one of the `COMMANDS`."""
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    monkeypatch.setenv("PYTHONPATH", path)

    def made(name):
        (tmp_path / f"{name}.py").write_text(HEAD + COMMANDS[name])
        words = [name, FOLDER]
        read = finish if name == "whole" else pathlib.Path.stat
        return Case([*words, '{"a": 2}'], read, ("[ab].json",), (*words, '{"a": 1}'))

    return made


def measure(case, folder, count=12):
    return kills.measure({"it": case}, count, 0, folder, case.words)


def test_a_command_that_writes_whole_has_no_fault(make, tmp_path):
    content = measure(make("whole"), tmp_path / "kills", 30)
    json.dumps(content)
    trials = content["commands"]["it"]["trials"]
    assert sum(len(trial["kills"]) for trial in trials) == 30
    assert all(map(kills.is_identical, trials))
    assert {kill["kind"] for trial in trials for kill in trial["kills"]} >= {"change"}
    head, row, total = kills.table(content).splitlines()
    assert row.split()[0] == "it" and row.split()[1] == total.split()[1] == "30"
    assert head.split()[-2:] == ["left", "over"] and row.split()[-4:] == list("0000")


def test_every_change_of_such_a_command_may_be_the_last(make, tmp_path):
    case, killer = make("whole"), Killer(tmp_path / "kills", tmp_path)
    reference = Reference(killer, "it", case)

    class Draws(random.Random):
        """Draws one kill, before one change."""

        def choice(self, _):
            return "change"

        def choices(self, *_):
            return [1]

        def randint(self, *_):
            return change

    count = len(reference.result.changes)
    for change in range(1, count + 1):
        content = trial(killer, case, reference, Draws(), 1)
        (kill,) = content["kills"]
        assert kills.is_identical(content) and not content["left_over"], change
        assert not kill["half_written"] and not kill["mixed"], change
    assert count > 10


def test_a_command_that_does_not_is_found_out(make, tmp_path):
    content = measure(make("half"), tmp_path / "kills")
    text = kills.table(content)
    assert "differing: ['a.json'" in text and "left_over: ['.tfdyn-tmp-x']" in text
    assert "half_written after open" in text and "mixed after open" in text
    assert list((tmp_path / "kills").glob("differs it *"))


def test_a_command_that_fails_is_named(make, tmp_path):
    case = make("whole")
    with pytest.raises(ChildProcessError, match="whole .*kills/run failed.*IndexErr"):
        kills.measure({}, 1, 0, tmp_path / "kills", case.words[:2])


def test_what_is_compared(tmp_path):
    entry = {"bytes": 1, "convert_seconds": 2.0}
    write_json(tmp_path / "manifest.json", {"files": {"a": entry}})
    (tmp_path / "latency.host.json").write_text('{"a": [1.5, 2], "date": "today"}')
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "events").touch()
    before = checks.digests(tmp_path)
    assert list(before) == ["latency.host.json", "manifest.json"]
    entry["convert_seconds"] = 3.0
    write_json(tmp_path / "manifest.json", {"files": {"a": entry}})
    (tmp_path / "latency.host.json").write_text('{"a": [2.5, 1], "date": "then"}')
    assert checks.digests(tmp_path) == before
    entry["bytes"] = 2
    write_json(tmp_path / "manifest.json", {"files": {"a": entry}})
    (tmp_path / "latency.host.json").write_text('{"a": [2.5], "date": "then"}')
    changed = checks.digests(tmp_path)
    assert not set(changed.values()) & set(before.values())
    (tmp_path / f"{PREFIX}1").mkdir()
    (tmp_path / f"{PREFIX}1" / "a.json").touch()
    assert checks.digests(tmp_path) == changed
    assert checks.half_written(tmp_path) == []
    assert checks.left_over(tmp_path) == [f"{PREFIX}1"]


def test_models_are_compared_without_their_date(tiny_run, tmp_path):
    with (
        zipfile.ZipFile(tiny_run / "model.keras") as old,
        zipfile.ZipFile(tmp_path / "model.keras", "w") as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'_saved": "2', b'_saved": "9'))
        assert b"date_saved" in old.read("metadata.json")
    here, there = checks.digests(tmp_path), checks.digests(tiny_run.path)
    assert here["model.keras"] == there["model.keras"]
    model = tiny_run.load_model()
    model.weights[0].assign(np.nextafter(model.weights[0], 1))
    model.save(tmp_path / "model.keras")
    assert checks.digests(tmp_path) != here
    (tmp_path / "model.keras").write_bytes(b"PK")
    assert checks.digests(tmp_path) != here
    assert "model.keras" in checks.half_written(tmp_path)[0]


def test_rounds_of_a_measurement(tmp_path):
    folder = tmp_path / "latency.host.partial"
    folder.mkdir()
    assert checks.rounds_kept(tmp_path) == {}
    write_json(folder / "times.json", {"a": [1.0, 2.0], "b": [1.0]})
    assert checks.rounds_kept(tmp_path) == {folder.name: 1}
    changes = [
        (0.5, f"os.rename /{folder.name}/{name}.json") for name in ("times", "of")
    ]
    assert checks.rounds_measured([*changes, changes[0]]) == {folder.name: 2}
    assert checks.left_over(tmp_path) == [folder.name]


def test_the_command_refuses_others(tmp_path):
    output = f"--output={tmp_path}/kills.json"
    result = in_process.run("benchmarks.kills", "--commands=train", output)
    assert result.status == 1
    assert f"the commands are {', '.join(cases())}" in result.stderr

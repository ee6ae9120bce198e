"""Partial: the folder of a measurement, which deletes only what it made."""

import json
import os
import subprocess
import sys

import pytest
from paths import ROOT

from export.latency.partial import Partial, remove_done

IDENTITY = {"source": "tiny", "device": {"device": "clock"}, "runs": 5}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "mine.partial"


def interrupt(folder, identity=IDENTITY, times=None):
    """Leaves a folder behind, as a command that is interrupted does."""
    with pytest.raises(KeyboardInterrupt):
        with Partial(folder, identity) as partial:
            (folder / "0.tflite").touch()
            partial.save(times or {"a": [1.5]})
            raise KeyboardInterrupt


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_done_is_removed(folder):
    with Partial(folder, IDENTITY) as partial:
        assert partial.times == {}
        partial.save({"a": [1.5]})
    assert not folder.exists()


def test_what_is_interrupted_stays(folder):
    interrupt(folder)
    assert files(folder) == ["0.tflite", "of.json", "times.json"]
    with Partial(folder, IDENTITY) as partial:
        assert partial.times == {"a": [1.5]} and (folder / "0.tflite").exists()
    assert not folder.exists()


def test_another_measurement_starts_anew(folder):
    interrupt(folder)
    with Partial(folder, {**IDENTITY, "runs": 6}) as partial:
        assert partial.times == {} and "0.tflite" not in files(folder)


@pytest.mark.parametrize(
    ("rounds", "result", "stays"), [(1, 2, False), (2, 1, True), (None, 1, False)]
)
def test_what_a_command_left_that_had_written_its_result(folder, rounds, result, stays):
    interrupt(folder)
    path = folder.with_suffix(".json")
    path.touch()
    os.utime(path, (result, result))
    if rounds:
        os.utime(folder / "times.json", (rounds, rounds))
    else:  # It was killed while it emptied the folder.
        (folder / "times.json").unlink()
    remove_done(folder, path)
    assert folder.exists() == stays
    assert not stays or files(folder) == ["0.tflite", "of.json", "times.json"]


def test_a_folder_that_is_not_there_is_not_made(folder):
    remove_done(folder, folder.with_suffix(".json"))
    assert not folder.exists()


def strange_text(folder):
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")


def strange_files_of_known_names(folder):
    folder.mkdir()
    (folder / "0.tflite").write_text("mine")


def strange_identity(folder):
    folder.mkdir()
    (folder / "of.json").write_text('{"mine": 1}')


def strange_among_ours(folder):
    interrupt(folder)
    (folder / "thesis.txt").write_text("mine")


def folder_of_a_known_name(folder):
    interrupt(folder)
    (folder / "1.tflite").mkdir()
    (folder / "1.tflite" / "thesis.txt").write_text("mine")


def link_among_ours(folder):
    interrupt(folder)
    (folder.parent / "mine").write_text("mine")
    (folder / "1.tflite").symlink_to(folder.parent / "mine")


def link(folder):
    (folder.parent / "mine").mkdir()
    interrupt(folder.parent / "mine")
    folder.symlink_to(folder.parent / "mine")


def dangling_link(folder):
    folder.symlink_to(folder.parent / "nowhere")


def file(folder):
    folder.write_text("mine")


@pytest.mark.parametrize(
    "make",
    [
        strange_text,
        strange_files_of_known_names,
        strange_identity,
        strange_among_ours,
        folder_of_a_known_name,
        link_among_ours,
        link,
        dangling_link,
        file,
    ],
)
@pytest.mark.parametrize("identity", [IDENTITY, {**IDENTITY, "runs": 6}])
def test_what_it_did_not_make_it_leaves_alone(folder, make, identity):
    make(folder)
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(ValueError, match="mine.partial .*: move it away, or name"):
        with Partial(folder, identity):
            raise AssertionError("not reached")
    assert sorted(folder.parent.rglob("*")) == before


def test_what_is_put_there_meanwhile_stays(folder):
    with Partial(folder, IDENTITY):
        (folder / "thesis.txt").write_text("mine")
    assert files(folder) == ["thesis.txt"]


def test_an_empty_folder_and_what_a_killed_command_left_are_used(folder):
    (folder / ".tfdyn-tmp-1").mkdir(parents=True)
    (folder / ".tfdyn-lock").touch()
    with Partial(folder, IDENTITY) as partial:
        partial.save({})
    assert not folder.exists()


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{", "", "null", '{"a": 1}', '{"a": ["1"]}', '{"a": [true]}'),
        *('{"a": [0]}', '{"a": [-1]}', '{"a": [NaN]}', '{"a": [1e999]}', "[" * 10**5),
        f'{{"a": [{10**400}]}}',
        b"\xff\xfe",
    ],
)
def test_rounds_that_cannot_be_used_are_dropped(folder, text, caplog):
    interrupt(folder)
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "times.json").write_bytes(content)
    with Partial(folder, IDENTITY) as partial:
        assert partial.times == {}
    assert "times.json cannot be used" in caplog.text
    assert "All rounds are measured again" in caplog.text


def test_a_second_command_learns_who_measures(folder):
    code = (
        "import json, pathlib, sys, time\n"
        "from export.latency.partial import Partial\n"
        "with Partial(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])):\n"
        "    print('holds', flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(folder), json.dumps(IDENTITY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout.readline() == b"holds\n"
            with pytest.raises(ValueError, match=f"another command .*{process.pid}"):
                with Partial(folder, IDENTITY):
                    raise AssertionError("not reached")
        finally:
            process.kill()
    with Partial(folder, IDENTITY):
        pass
    assert not folder.exists()

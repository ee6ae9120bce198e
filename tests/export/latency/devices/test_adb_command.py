"""The latency command on a phone: what each case says, and that nothing is left."""

import json
import re
import tempfile
import types

import adb_phone
import pytest
from absl import app
from adb_phone import SERIAL
from tiny_networks import latency_table
from tiny_settings import tiny_settings

from export import flags as export_flags
from export import source as sources
from export.latency import __main__ as latency
from export.latency import probes, profiler
from export.latency.devices import adb_connection
from tfdyn import commands, output
from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost

FLAGS = {"device": "adb", "num_threads": 1, "rounds": 1, "validate": 0, "timeout": 30}
FLAGS |= {"benchmark_model": None, "benchmark_app": False, "data_dir": None}
FLAGS |= {"check": False, "precision": "float32"}
TABLE, PARTIAL = "latency.phone.json", "latency.phone.partial"
LOST = f"{SERIAL} was lost at .*: it is disconnected. Check that its cable is in"
# What goes wrong once there are files to time, and what is said.
FAILURES = [
    (
        {"times": "count=50 curr=-400 median=-400\n"},
        "probe '(empty|route 0)' .*a time of -0.4 ms",
    ),
    ({"times": "count=50 median=1e999\n"}, f"on {SERIAL}: .*a time of inf ms"),
    ({"flood": 8 * 2**20}, "printed more than 4 MiB, and was stopped"),
    ({"full": True}, f"{SERIAL} has no space for .* MB in .*: free some space there"),
    ({"benchmark": "crash"}, "failed on .* status 139; .* Segmentation fault"),
    ({"benchmark": "refused"}, "Didn't find op .* a newer build may support it"),
    ({"benchmark": "garbage"}, "should end with .* Usage: something else"),
    (
        {"benchmark": "hang"},
        "did not end on .* in 0.5 s: .* slow network more time with --ti",
    ),
    ({"lost_from": 5}, LOST),  # Before there are files on it.
]


@pytest.fixture(scope="module")
def source():
    return sources.untrained(tiny_settings(), "tiny")


@pytest.fixture(scope="module")
def probe_files(source, tmp_path_factory):
    (image,) = source.test_images(1)[0]
    probe_files = probes.Probes(source, tmp_path_factory.mktemp("files"), image)
    probe_files.make()
    return probe_files


@pytest.fixture
def phone(tmp_path, monkeypatch):
    with adb_phone.connected(tmp_path, monkeypatch) as phone:
        yield phone


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / TABLE


@pytest.fixture
def table(source, path):
    """A table that is there already, as bytes."""
    table = latency_table(source.model)
    table.provenance = {"selection": 0.01}
    path.parent.mkdir()
    table.save(path)
    return path.read_bytes()


@pytest.fixture
def command(source, probe_files, path, tmp_path, monkeypatch):
    """The command, a function of flags: in this process, with files that are made."""
    monkeypatch.setattr(app, "run", lambda main, **_: main(["latency"]))
    monkeypatch.setattr(output, "start_tensorflow", lambda: None)
    monkeypatch.setattr(export_flags, "source_from_flags", lambda: source)
    monkeypatch.setattr(commands, "say", print)
    monkeypatch.setattr(commands, "report", lambda content, text: print(text))
    monkeypatch.setattr(profiler, "Probes", lambda *args: probe_files)
    if not commands.FLAGS.is_parsed():
        commands.FLAGS(["latency"])
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def run(**flags):
        flags = {**FLAGS, "output": path, "json": False, **flags}
        for module in (latency, export_flags):
            monkeypatch.setattr(module, "FLAGS", Flags(**flags))
        try:
            commands.run(latency.main)
        finally:
            assert not list(temporary.iterdir())

    return run


class Flags(types.SimpleNamespace):
    """Flags as absl has them: each by its name, too."""

    def __getitem__(self, name):
        value = getattr(self, name, None)
        return types.SimpleNamespace(value=value, present=hasattr(self, name))


def said(command, **flags):
    """What a command that fails says at its end."""
    with pytest.raises(SystemExit) as exit:
        command(**flags)
    return exit.value.code


def left(path):
    """What is in the table's folder; all JSON that is there is whole."""
    for file in path.parent.rglob("*.json"):
        json.loads(file.read_text())
    return sorted(file.name for file in path.parent.glob("*"))


def limit(scenario):
    """Seconds that a file may take: few only if it is to take too long."""
    return 0.5 if scenario.get("benchmark") == "hang" else 30


def timed(phone):
    return sum("--graph" in line for line in phone.lines)


@pytest.mark.parametrize(
    "device, app", [("adb", False), ("adb:R58", False), ("adb", True)]
)
def test_a_phone_is_profiled(
    command, phone, source, probe_files, path, capsys, device, app
):
    serial = device.partition(":")[2] or SERIAL
    others = {"other": "device"} if serial == "R58" else {}
    phone.play(devices={serial: "device", **others}, by_size=True)
    command(device=device, benchmark_app=app)
    assert left(path) == [TABLE] and timed(phone) == len(probe_files.files)
    table = CostTable.load(path)
    assert table.provenance["device"]["serial"] == serial
    assert RouteCost(source.model.modules, table).fixed >= 0
    output = capsys.readouterr().out
    assert f"profiling tiny, untrained on adb-{serial}, 1 thread\n" in output
    assert f"\nmeasured on Acme Phone 7 [EU] (adb-{serial}, Android 14, 1" in output
    assert output.endswith(f"\nwrote {path}\n")


@pytest.mark.parametrize(
    "devices, device, message",
    [
        ({}, "adb", "There is no Android device: connect one with USB debugging"),
        ({}, f"adb:{SERIAL}", "There is no Android device: connect one"),
        (
            {SERIAL: "device"},
            "adb:R58",
            f"no device R58: choose one with --device=adb:{SERIAL}",
        ),
        ({SERIAL: "unauthorized"}, "adb", "unauthorized.*: unlock it and confirm that"),
        (
            {SERIAL: "offline"},
            "adb",
            r"not ready \(offline\): wait until it has started",
        ),
        (
            {"R58": "device", SERIAL: "device"},
            "adb",
            f"2 devices: choose one with --device=adb:R58, --device=adb:{SERIAL}",
        ),
    ],
)
def test_no_phone_that_is_ready(command, phone, path, devices, device, message):
    phone.play(devices=devices)
    text = said(command, device=device)
    assert re.fullmatch(f"error: .*{message}.*", text)
    assert phone.calls == [["devices"]] and not path.parent.exists()


def test_no_adb(command, path, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said(command).startswith("error: There is no adb on the PATH: install")
    assert not path.parent.exists()


@pytest.mark.parametrize("scenario, message", FAILURES)
def test_a_profile_fails(command, phone, path, scenario, message):
    phone.play(**scenario)
    text = said(command, timeout=limit(scenario))
    assert re.match(f"(?s)error: .*{message}", text)
    kept = path.with_name(PARTIAL)
    assert f"are kept in {kept}: the same command resumes there." in text
    assert left(path) == [PARTIAL] and left(kept / "file") == ["of.json"]


@pytest.mark.parametrize("scenario, message", FAILURES)
def test_a_validation_fails(command, phone, path, table, scenario, message):
    phone.play(**scenario)
    text = said(command, timeout=limit(scenario), validate=2)
    assert re.match(f"(?s)error: .*{message}", text) and "resumes there" in text
    partial = "latency.phone.validation.partial"
    assert left(path) == [TABLE, partial] and path.read_bytes() == table


def test_a_clock_that_is_too_coarse(command, phone, path):
    for _ in range(2):  # The second time it does not fail on what the first kept.
        before = timed(phone) if (phone.folder / "calls").exists() else 0
        text = said(command)
        assert text.startswith("error: No module takes longer than an empty file: ")
        assert timed(phone) > before
    phone.play(by_size=True)
    command()
    assert left(path) == [TABLE]


@pytest.mark.parametrize(
    "foreign, flags, message",
    [
        (TABLE, {}, "latency.phone.json must name a file that ends in .json"),
        (PARTIAL + "/mine", {}, "latency.phone.partial holds 'mine'.*: move it away"),
        ("latency.phone.validation.png", {"validate": 2}, "validation.png is a folder"),
        ("latency.phone.validation.json", {"validate": 2}, "json is a folder"),
        ("latency.phone.validation.partial/mine", {"validate": 2}, "holds 'mine'"),
    ],
)
def test_what_stands_in_the_way_is_said_before_anything_is_timed(
    command, phone, path, foreign, flags, message
):
    (path.parent / foreign).mkdir(parents=True)
    assert re.match(f"error: .*{message}", said(command, **flags))
    assert not timed(phone) and (path.parent / foreign).is_dir()


@pytest.mark.parametrize(
    "flags, message",
    [
        ({"timeout": float("nan")}, "--timeout must be from 1 to 86400 seconds; got n"),
        ({"timeout": float("inf")}, "--timeout must be from 1 to 86400 seconds; got i"),
        ({"check": True, "validate": 2}, "--check and --validate exclude each other"),
        ({"check": True}, "There is no cost table .*latency.phone.json"),
    ],
)
def test_flags_that_do_not_fit(command, phone, path, flags, message):
    assert re.match(f"error: .*{message}", said(command, **flags))


def test_a_table_is_checked(command, phone, source, path, capsys, caplog):
    phone.play(by_size=True)
    command()
    phone.play(times="count=50 median=9000000\n")
    command(check=True)
    text = capsys.readouterr().out
    assert f"checking {path}, measured on Acme Phone 7 [EU] (adb-" in text
    assert "route 0" in text and "mean" in text
    assert f"times of {path} are " in caplog.text and "below those" in caplog.text
    assert left(path) == [TABLE]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"provenance": "a phone"}, "latency.phone.json is not a cost table: its prov"),
        ({"device": "a phone"}, "is of the device a phone, not of adb-emulator"),
        ({"selection": "0.1"}, "has no number `selection`"),
        ({"routes": {"route 0": "1"}}, "`routes` in its provenance are no times"),
        ({"num_threads": "two"}, "`num_threads` in its provenance is 'two'"),
    ],
)
def test_a_table_of_a_strange_making(command, phone, path, table, changes, message):
    content = json.loads(table)
    content["provenance"] |= changes
    content |= {key: changes[key] for key in changes if key == "provenance"}
    path.write_text(json.dumps(content))
    for flags in ({"validate": 2}, {"check": True}):
        if "selection" in changes and "check" in flags:
            continue  # It needs no selection.
        assert re.match(f"error: .*{message}", said(command, **flags))
    assert not timed(phone)


def test_adb_that_never_answers(command, phone, path, monkeypatch):
    monkeypatch.setattr(adb_connection, "LIST_SECONDS", 0.3)
    phone.play(silent=True)
    assert re.match("error: `adb devices` did not answer in 0.3 s", said(command))
    assert not path.parent.exists()


def test_disconnected_halfway_it_goes_on(command, phone, probe_files, path, caplog):
    size = len(probe_files.files)
    phone.play(
        lost_from=size + size // 2, by_size=True
    )  # A call a file, and some before the first.
    text = said(command, rounds=2)
    assert re.match(f"error: {LOST}", text) and "resumes there" in text
    assert "the pushed files may still be in /data/local/tmp/tfdyn-" in caplog.text
    kept = path.with_name(PARTIAL)
    assert left(path) == [PARTIAL] and left(kept / "file") == ["of.json", "times.json"]
    times = json.loads((kept / "times.json").read_text())
    assert {len(counts) for counts in times.values()} == {1}
    # It is back: of the same command there is one round left, and nothing there.
    phone.play(by_size=True)
    before = timed(phone)
    assert size < before < 2 * size
    command(rounds=2)
    assert timed(phone) - before == size and left(path) == [TABLE]
    assert CostTable.load(path).provenance["rounds"] == 2


def test_a_table_that_is_there_is_validated(command, phone, path, table, capsys):
    command(validate=2)
    names = "latency.phone.validation.json", "latency.phone.validation.png"
    assert left(path) == [TABLE, *names] and path.read_bytes() == table
    output = capsys.readouterr().out
    assert "validating" in output and "within 10 percent" in output
    assert f"wrote {path}\n" not in output  # It was there.

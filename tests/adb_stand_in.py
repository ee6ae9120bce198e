"""A program that plays `adb` with Android devices: FOLDER ARGUMENT...

FOLDER holds `scenario.json` (below: what holds if nothing is given), `device/`, its
files, `calls`, the arguments of each call as a line of JSON, and the log of the app.
It imports little, and where it is needed, since it is started many times.
"""

import json
import pathlib
import sys
import time

FOLDER = pathlib.Path(sys.argv[1])
SCENARIO = {
    "devices": {"emulator-5554": "device"},
    "benchmark": "new",  # or old, same, crash, refused, garbage, cut, hang
    "app": True,  # Whether the app is installed.
    "full": False,  # No space left.
    "lost_from": None,  # The call from which on the device is disconnected.
    "busy_log": 0,  # How many calls of logcat -c fail.
    "by_size": False,  # Whether larger files take longer.
    "times": None,  # What is printed instead of the times of the runs.
    "flood": 0,  # How many bytes are printed first.
    "silent": False,  # Whether `adb devices` never answers.
    "end": "\n",  # Of lines.
    **json.loads((FOLDER / "scenario.json").read_text()),
}
PROPERTIES = {
    "ro.product.manufacturer": "Acme",
    "ro.product.model": "Phone 7 [EU]",
    "ro.build.version.release": "14",
    "ro.product.cpu.abi": "arm64-v8a",
}
BEGIN = """STARTING!
Min num runs: [50]
Num threads: [1]
Graph: [GRAPH]
"""
WARM_UP = "count=3 first=902 curr=431 min=431 max=902 avg=600.1 std=160\n"
RUNS = {
    "new": "count=50 first=431 curr=398 min=390 max=455 avg=412.5 std=9 p5=392 "
    "median=405 p95=430\n",
    "old": "count=50 first=431 curr=398 min=390 max=455 avg=412.5 std=9\n",
    "same": "count=50 curr=412(all same)\n",
}
RUNS["cut"] = RUNS["new"]
FINAL = (
    "Inference timings in us: Init: 5685, First inference: 902, "
    "Warmup (avg): 600.1, Inference (avg): 412.5\n"
)
REFUSED = "ERROR: Didn't find op for builtin opcode 'IF' version '9'\n"
REFUSED += "ERROR: Failed to initialize the interpreter\nERROR: Benchmarking failed.\n"


def main(arguments):
    with open(FOLDER / "calls", "a") as file:
        file.write(json.dumps(arguments) + "\n")
    lost = SCENARIO["lost_from"] is not None and calls() >= SCENARIO["lost_from"]
    devices = {} if lost else SCENARIO["devices"]
    if arguments == ["devices"]:
        if SCENARIO["silent"]:
            time.sleep(60)
        say(
            "* daemon not running; starting now at tcp:5037\nList of devices attached\n"
        )
        say("".join(f"{serial}\t{state}\n" for serial, state in devices.items()))
        return 0
    option, serial, command, *arguments = arguments
    assert option == "-s"
    if devices.get(serial) != "device":
        say(f"adb: device '{serial}' not found\n")
        return 1
    return {"push": push, "shell": shell, "logcat": logcat}[command](*arguments)


def calls():
    return len((FOLDER / "calls").read_text().splitlines())


def say(text):
    sys.stdout.write(text.replace("\n", SCENARIO["end"]))
    sys.stdout.flush()


def there(path):
    """The file of this machine that plays one of the device."""
    return FOLDER / "device" / path.lstrip("/")


def push(local, remote):
    import shutil

    local, folder = pathlib.Path(local), there(remote) / pathlib.Path(local).name
    if SCENARIO["full"]:  # The first file still fits.
        folder.mkdir()
        (folder / "0.tflite").write_bytes(b"")
        say(f"adb: error: failed to copy '{local}': remote No space left on device\n")
        return 1
    shutil.copytree(local, folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    folder.chmod(0o700)
    return 0


def shell(line):
    """Runs one line of the shell; what it can is what is asked for."""
    import shlex

    command, *arguments = shlex.split(line)
    if command == "getprop":
        say("".join(f"[{name}]: [{value}]\n" for name, value in PROPERTIES.items()))
    elif command == "chmod":
        for path in arguments[1:]:
            there(path).chmod(int(arguments[0], 8))
    elif command == "rm":
        import shutil

        shutil.rmtree(there(arguments[-1]), ignore_errors=True)
    elif command == "[":
        executable = there(arguments[1])
        if executable.is_file() and executable.stat().st_mode & 0o100:
            say("found\n")
    elif command == "pkill":
        return 1
    elif command == "pm":
        say("package:/data/app/base.apk\n" if SCENARIO["app"] else "")
    elif command == "pidof":
        say("4242\n" if (FOLDER / "alive").exists() else "")
    elif command == "am":
        return activity(arguments)
    else:
        return benchmark(command, arguments)
    return 0


def check(flags):
    """Holds the files that the benchmark is given against what it asks for."""
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
    assert there(flags["graph"]).read_bytes()[4:8] == b"TFL3"
    assert there(flags["graph"]).parent.stat().st_mode & 0o777 == 0o755
    if "input_layer" in flags:
        names = flags["input_layer"].split(",")
        shapes = flags["input_layer_shape"]
        # As std::getline splits: nothing is read after a colon at the end.
        assert len(shapes.removesuffix(":").split(":")) == len(names)
        for value in flags["input_layer_value_files"].split(","):
            name, path = value.split(":")
            assert name in names and there(path).is_file()
    return flags["graph"]


def results(kind, graph):
    """The lines after the warm-up."""
    runs = SCENARIO["times"] or RUNS.get(kind, "")
    if SCENARIO["by_size"]:
        microseconds = 405 + there(graph).stat().st_size
        runs = runs.replace("median=405", f"median={microseconds}")
    return runs + FINAL


def benchmark(program, flags):
    assert there(program).stat().st_mode & 0o100
    kind, graph = SCENARIO["benchmark"], check(flags)
    if kind == "garbage":
        say("Usage: something else\n")
        return 0
    say(BEGIN.replace("GRAPH", graph))
    if kind == "refused":
        say(REFUSED)
        return 1
    for _ in range(SCENARIO["flood"] // 2**16):
        say("x" * 2**16)
    say(WARM_UP)
    if kind == "crash":
        say("Segmentation fault\n")
        return 139
    if kind == "hang":
        time.sleep(60)
    text = results(kind, graph)
    say(text[:40] if kind == "cut" else text)
    return 0


def activity(arguments):
    alive = FOLDER / "alive"
    if arguments[0] == "force-stop":
        alive.unlink(missing_ok=True)
        return 0
    assert arguments[:3] == ["start", "-S", "-n"]
    graph, kind = check(arguments[-1].split()), SCENARIO["benchmark"]
    alive.touch()
    lines = {
        "refused": REFUSED,
        "crash": WARM_UP,
        "hang": WARM_UP,
        "garbage": "",
    }.get(kind, WARM_UP + results(kind, graph))
    lines = (BEGIN.replace("GRAPH", graph) + lines).splitlines()
    with open(FOLDER / "log", "a") as file:
        for line in lines:
            level, text = ("E", line[7:]) if line.startswith("ERROR") else ("I", line)
            file.write(f"11-20 10:00:00.000  4242  4260 {level} tflite  : {text}\n")
    if kind == "crash":
        alive.unlink()
    say(f"Starting: Intent {{ cmp={arguments[3]} }}\n")
    return 0


def logcat(option, *_):
    log, read = FOLDER / "log", FOLDER / "read"
    if option == "-c":
        busy = FOLDER / "busy"
        busy.write_text("." + (busy.read_text() if busy.exists() else ""))
        if len(busy.read_text()) <= SCENARIO["busy_log"]:
            say("failed to clear the 'main' log\n")
            return 1
        log.unlink(missing_ok=True)
        read.unlink(missing_ok=True)
        return 0
    # The first time the benchmark still runs.
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    say("--------- beginning of main\n")
    say("".join(lines if read.exists() else lines[:4]))
    read.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:]))

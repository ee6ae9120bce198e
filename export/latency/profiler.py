"""Profiler: from a network and a device to a latency table."""

import datetime
import json
import shutil

from export import manifest
from export.latency import latency_table, rounds
from export.latency.probes import Probes
from tfdyn.files import write_json, write_text

# Runs of a file each time that it is timed: few, so that there are many rounds.
RUNS = 50


def profile(source, device, path, image, num_threads=1, least=8, most=40):
    """Times the modules and gates of a network on a device; writes a latency table.

    What is timed is kept beside `path` until the table is written: a profile that is
    interrupted goes on from there.

    Args:
        source: `export.source.Source`.
        device: `Host` or `Adb`.
        path: JSON file to write.
        image: uint8 image `(height, width, channels)`.
        num_threads: Threads of the device's CPU.
        least: Rounds at least, in each of which all are timed.
        most: Rounds at most; fewer, if the medians are steady.

    Returns:
        `CostTable` in ms.

    Raises:
        ValueError, OSError: As the device's session; a note tells what is kept.
    """
    provenance = {
        "source": source.name,
        "device": device.describe(),
        "num_threads": num_threads,
        "runs": RUNS,
        "versions": manifest.versions(),
    }
    folder = path.with_suffix(".partial")
    done = _done(folder, {**provenance, "network": source.model.get_config()})
    probes = Probes(source, folder, image)
    try:
        probes.make()
        with device.session(probes.files, probes.inputs, num_threads) as measure:
            times = rounds.alternate(
                measure,
                probes.files,
                (least, most),
                RUNS,
                done,
                lambda times: write_json(folder / "times.json", times),
            )
    except BaseException as error:
        error.add_note(
            f"Files and whole rounds are kept in {folder}: the same command goes on "
            f"from there."
        )
        raise
    provenance["rounds"] = len(times[next(iter(times))])
    provenance["date"] = datetime.date.today().isoformat()
    table = latency_table.compose(source, times, probes.routes, provenance)
    table.save(path)
    shutil.rmtree(folder)
    return table


def _done(folder, identity):
    """Returns the times of a profile that was interrupted, if there is such a one."""
    text, file = json.dumps(identity, indent=1, default=str), folder / "of.json"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_text(file, text)
    times = folder / "times.json"
    return json.loads(times.read_text(encoding="utf-8")) if times.exists() else {}

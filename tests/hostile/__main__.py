"""Tries all hostile inputs: `python tests/hostile --output=DIR`.

Prints a table of the verdicts by kind, and writes what each case printed.
"""

import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A case that has not ended after so many seconds is endless: its process is killed.
PATIENCE = 180
MEMORY = 12 * 2**30


def main():
    """Runs the command on its arguments."""
    # Not absl: the commands that are tried define flags of the same names.
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, help="folder for what is written")
    parser.add_argument("--processes", type=int, default=2, help="number of processes")
    parser.add_argument("--only", default="", help="part of the names of the cases")
    parser.add_argument("--shard", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.output).absolute()
    if arguments.shard:
        _try_shard(folder, arguments.shard, arguments.only)
    else:
        _try_all(folder, arguments.processes, arguments.only)


def _try_all(folder, processes, only):
    folder.mkdir(parents=True, exist_ok=True)
    shards = [f"{i}/{processes}" for i in range(processes)]
    if not (folder / "template").is_dir():
        _make_template(folder / "template")
    workers = {shard: _start(folder, shard, only) for shard in shards}
    while workers:
        time.sleep(1)
        for shard, worker in list(workers.items()):
            quiet = time.time() - _rows_of(folder, shard).stat().st_mtime
            if worker.poll() == 0:
                del workers[shard]
            elif worker.poll() is not None or quiet > PATIENCE:
                worker.kill()
                workers[shard] = _start(folder, shard, only)
    rows = _read(folder)
    print(_table(rows))
    faults = [row for row in rows if row["verdict"] not in ("clear", "accepted")]
    for row in faults:
        print(
            f"\n{row['verdict']}: {row['kind']}: {row['name']}\n{row['text'][-1500:]}"
        )


def _make_template(folder):
    from hostile.template import make

    make(folder)


def _rows_of(folder, shard):
    return folder / f"{shard.replace('/', '_of_')}.jsonl"


def _start(folder, shard, only):
    words = [f"--output={folder}", f"--shard={shard}", f"--only={only}"]
    command = [sys.executable, str(ROOT / "tests/hostile"), *words]
    _rows_of(folder, shard).touch()  # So that it is not taken as endless at once.
    with open(folder / "log.txt", "ab") as log:
        return subprocess.Popen(command, stderr=log, stdout=log)


def _try_shard(folder, shard, only):
    """Tries each n-th case, and goes on after those that were tried before."""
    import resource

    from hostile.all_cases import all_cases
    from hostile.case import judge

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    index, count = map(int, shard.split("/"))
    path = _rows_of(folder, shard)
    cases = [case for case in all_cases() if only in str(case)][index::count]
    before = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in before]
    if rows and "verdict" not in rows[-1]:  # The process died in this case.
        rows[-1] |= {"verdict": "endless", "text": "the process died", "seconds": 0}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for case in cases[len(rows) :]:
        row = {"kind": case.kind, "name": case.name}
        with open(path, "a") as file:
            file.write(json.dumps(row))
        start = time.time()
        with tempfile.TemporaryDirectory(prefix="case", dir=folder) as place:
            verdict, text = judge(case, folder / "template", pathlib.Path(place, "c"))
            shutil.rmtree(pathlib.Path(place, "c"), ignore_errors=True)
        row |= {"verdict": verdict, "text": text, "seconds": time.time() - start}
        kept = path.read_text().splitlines(keepends=True)[: len(rows)]
        rows.append(row)
        path.write_text("".join(kept) + json.dumps(row) + "\n")


def _read(folder):
    lines = [
        line
        for path in sorted(folder.glob("*_of_*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return [json.loads(line) for line in lines]


def _table(rows):
    from hostile.case import VERDICTS

    counts = collections.defaultdict(collections.Counter)
    for row in rows:
        counts[row["kind"]][row["verdict"]] += 1
        counts["all"][row["verdict"]] += 1
    order = [kind for kind in counts if kind != "all"] + ["all"]
    lines = [f"| inputs | tried | {' | '.join(VERDICTS)} |", "|---" * 9 + "|"]
    for kind in order:
        values = [counts[kind][verdict] for verdict in VERDICTS]
        lines.append(f"| {kind} | {sum(values)} | {' | '.join(map(str, values))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    main()

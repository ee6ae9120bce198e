"""Kills commands at random moments, and compares their ends with undisturbed ones.

`python -m benchmarks.kills --kills=50 --seed=0 --output=kills.json`

Each command (`benchmarks.kill_cases`) is run once undisturbed. Then it is run anew, and
its process group is killed (SIGKILL) at a moment that is drawn in one of three ways:
over its whole duration; over the time from its first change of a file; or before one of
its changes of files. The same command is run again, and may be killed again, up to
three times, then to its end (`benchmarks.kill_trials`).

After each kill, files that are not whole are counted, and a reader gets a copy of the
folder: it must not read files of two commands in silence. At the end all files are
compared with those of the undisturbed run, but for what differs between any two runs
(`benchmarks.kill_checks.LEFT_OUT`), and temporary files and folders are counted.
"""

import datetime
import functools
import pathlib
import random as randoms
import shutil
import tempfile
from collections.abc import Callable

from absl import flags
from tqdm import tqdm

from benchmarks import timing
from benchmarks.kill_cases import FOLDER, TRAININGS, Case, cases
from benchmarks.kill_checks import LEFT_OUT
from benchmarks.kill_trials import Killer, Reference, trial
from export import flags as export_flags
from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.files import write_json
from tfdyn.text import align

FLAGS = flags.FLAGS
# Trials in a row that end before their kill, until it is given up.
PATIENCE = 20


def measure(
    selected: dict[str, Case],
    kills: int,
    seed: int,
    home: pathlib.Path,
    run: list[str],
    save: Callable[[dict], None] = lambda content: None,
) -> dict:
    """Kills commands, and compares their ends.

    Args:
        selected: `Case`s by name. They are killed in turn, some not in every turn.
        kills: Number of kills, of all commands together.
        seed: Seed of all that is drawn.
        home: Folder for all that is written. It does not exist. If an end differs, it
            stays.
        run: Module and flags of the training whose run the commands read, with `FOLDER`
            in place of its folder.
        save: Function that is called with the results so far after each end.

    Returns:
        A dict ready for JSON: `seed`, `machine` and `left_out`; and under `commands`,
        for each name, the `seconds` of the undisturbed command, the number of its
        `changes` of files, and a list of `trials`, as `kill_trials.trial` returns them.

    Raises:
        ChildProcessError: If an undisturbed command fails, or one always ends before it
            is killed.
    """
    random, killer = randoms.Random(seed), Killer(home, home / "run")
    killer.to_its_end([word.replace(FOLDER, str(killer.run)) for word in run])
    bar = tqdm(total=kills, desc="killing", unit=" kills", leave=False, disable=None)
    references, rows, done, late, turn = {}, {}, 0, 0, 0
    content = {
        "date": datetime.date.today().isoformat(),
        "seed": seed,
        "left_out": LEFT_OUT,
        "machine": timing.machine(),
        "commands": rows,
    }
    while done < kills:
        for name, case in selected.items():
            if done >= kills or turn % case.every:
                continue
            bar.set_postfix_str(name)
            if name not in references:
                references[name] = Reference(killer, name, case)
                counts = references[name].counts()
                rows[name] = {**counts, "trials": []}
            result = trial(killer, case, references[name], random, kills - done)
            late = late + 1 if result is None else 0
            if late > PATIENCE:
                raise ChildProcessError(f"{name} always ends before it is killed.")
            if result:
                rows[name]["trials"].append(result)
                done += len(result["kills"])
                bar.update(len(result["kills"]))
                if not is_identical(result):
                    number = len(rows[name]["trials"])
                    shutil.copytree(killer.folder, home / f"differs {name} {number}")
                save(content)
        turn += 1
    bar.close()
    return content


def is_identical(trial: dict) -> bool:
    """Returns whether the end of a trial is that of an undisturbed command."""
    return not (trial["error"] or trial["differing"] or trial["measured_again"])


def table(content: dict) -> str:
    """Returns the results of `measure` as text.

    Args:
        content: What `measure` returned.
    """
    heads = ["", "kills", "moments, s", "of s", "while writing", "ends", "identical"]
    rows = [[*heads, "differing", "half-written", "mixed", "left over"]]
    sums = [0] * 8
    for name, row in content["commands"].items():
        kills = [kill for trial in row["trials"] for kill in trial["kills"]]
        seconds = [kill["seconds"] for kill in kills]
        identical = sum(map(is_identical, row["trials"]))
        counts = [
            len(kills),
            sum(kill["after"] is not None for kill in kills),
            len(row["trials"]),
            identical,
            len(row["trials"]) - identical,
            sum(len(kill["half_written"]) for kill in kills),
            sum(bool(kill["mixed"]) for kill in kills),
            sum(len(trial["left_over"]) for trial in row["trials"]),
        ]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        moments = f"{min(seconds):.1f} to {max(seconds):.1f}" if kills else ""
        first, *others = map(str, counts)
        rows.append([name, first, moments, f"{row['seconds']:.1f}", *others])
    first, *others = map(str, sums)
    rows.append(["all", first, "", "", *others])
    return "\n".join([align(rows), *_faults(content)])


def _faults(content):
    """Yields a line for each fault."""
    for name, row in content["commands"].items():
        for number, each in enumerate(row["trials"], 1):
            faults = [(key, each[key]) for key in each if key != "kills"]
            for kill in each["kills"]:
                for key in ("half_written", "mixed"):
                    faults.append((f"{key} after {kill['after']}", kill[key]))
            for key, value in faults:
                if value:
                    yield f"{name}, end {number}: {key}: {value}"


def main() -> None:
    """Runs the command on the flags."""
    path = export_flags.output_from_flags("kills.json", ("commands", "left_out"))
    selected = cases()
    if unknown := set(FLAGS.commands or ()) - set(selected):
        raise UserError(
            f"--commands has {', '.join(sorted(unknown))}; the commands are "
            f"{', '.join(selected)}."
        )
    selected = {n: c for n, c in selected.items() if n in (FLAGS.commands or selected)}
    home = pathlib.Path(tempfile.mkdtemp(prefix="tfdyn-kills-"))
    run = ["tfdyn.train", *TRAININGS["drnet"], f"--run_dir={FOLDER}"]
    content = measure(
        selected,
        FLAGS.kills,
        FLAGS.seed,
        home / "kills",
        run,
        functools.partial(write_json, path),
    )
    text = f"{table(content)}\n\nwrote {path}"
    if list((home / "kills").glob("differs *")):
        text += f"; ends that differ are kept in {home / 'kills'}"
    else:
        shutil.rmtree(home)
    commands.report(content, text)


if __name__ == "__main__":
    flags.DEFINE_integer(
        "kills", 50, "Number of kills, of all commands together.", lower_bound=1
    )
    flags.DEFINE_integer(
        "seed", 0, "Seed of the moments and of the number of kills in a row."
    )
    flags.DEFINE_list(
        "commands", None, f"Commands to kill: {', '.join(cases())} (default: all)."
    )
    export_flags.define_output("kills.json")
    commands.define_json()
    commands.run(main)

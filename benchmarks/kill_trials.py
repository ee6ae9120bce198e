"""Trials of `benchmarks.kills`: a command that is killed and run again to its end."""

import dataclasses
import os
import pathlib
import random as randoms
import shutil
import signal
import subprocess
import sys
import time

from benchmarks import kill_checks as checks
from benchmarks.kill_cases import FOLDER, RUN, Case
from tfdyn.errors import UserError

KILLED = pathlib.Path(__file__).with_name("killed.py")
# How a moment is drawn: over the whole duration; over the time from the first change of
# a file; or before one of the changes.
KINDS = ("time", "writing", "change", "change")
# Probabilities of one, two and three kills before the end.
KILLS = (0.5, 0.3, 0.2)


@dataclasses.dataclass(frozen=True)
class Result:
    """A run of a command.

    Attributes:
        status: Exit status; below 0 if it was killed.
        error: Last line that it wrote to standard error.
        seconds: Its duration.
        changes: List of pairs: seconds from its start, and what it changed then.
    """

    status: int
    error: str
    seconds: float
    changes: list[tuple[float, str]]


class Killer:
    """Runs commands in one folder, and kills them.

    Args:
        home: Folder for all that is written.
        run: Folder of a finished run, for commands that read one.

    Attributes:
        folder: The folder that commands write.
    """

    def __init__(self, home: pathlib.Path, run: pathlib.Path):
        self.home, self.run = home, run
        self.folder = home / "folder"
        # What libraries leave in the system's temporary folder after a kill is not of
        # interest, and is removed with all the rest.
        (home / "tmp").mkdir(parents=True)

    def __call__(
        self, words: list[str], seconds: float | None = None, change: int = 0
    ) -> Result:
        """Runs a command, and kills its process group.

        Args:
            words: Module and flags, with `FOLDER` and `RUN`.
            seconds: Time after which all is killed, or `None`.
            change: Number of the change of a file before which all is killed, from 1;
                0 for none.
        """
        log, errors = self.home / "changes", self.home / "errors"
        log.unlink(missing_ok=True)
        for name, path in ((FOLDER, self.folder), (RUN, self.run)):
            words = [word.replace(name, str(path)) for word in words]
        command = [sys.executable, str(KILLED), str(log), str(change)]
        start = time.time()
        with open(errors, "wb") as stderr:
            process = subprocess.Popen(
                [*command, str(self.folder), *words],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env={**os.environ, "TMPDIR": str(self.home / "tmp")},
                start_new_session=True,
            )
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        duration = time.time() - start
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        pairs = (line.split(" ", 1) for line in lines)
        return Result(
            process.returncode,
            errors.read_text(errors="replace").strip().rpartition("\n")[-1],
            duration,
            [(float(at) - start, what) for at, what in pairs],
        )

    def to_its_end(self, words: list[str]) -> Result:
        """Runs a command undisturbed.

        Raises:
            ChildProcessError: If it fails.
        """
        result = self(words)
        if result.status:
            raise ChildProcessError(
                f"{' '.join(words)} failed with exit status {result.status}: "
                f"{result.error}. Run it alone to see why."
            )
        return result


class Reference:
    """An undisturbed run of a command.

    Args:
        killer: `Killer`.
        name: Name of the command.
        case: `Case`.

    Attributes:
        before: Copy of the folder before the command.
        old, new: `kill_checks.digests` before and after the command.
        result: `Result` of the command.

    Raises:
        ChildProcessError: If it fails.
    """

    def __init__(self, killer: Killer, name: str, case: Case):
        shutil.rmtree(killer.folder, ignore_errors=True)
        if case.copies_run:
            shutil.copytree(killer.run, killer.folder)
        else:
            killer.folder.mkdir()
        if case.before:
            killer.to_its_end(list(case.before))
        self.before = killer.home / f"before {name}"
        shutil.copytree(killer.folder, self.before)
        self.old = checks.digests(killer.folder)
        self.result = killer.to_its_end(case.words)
        self.new = checks.digests(killer.folder)

    def counts(self) -> dict:
        """Returns the seconds and the number of changes of files, ready for JSON."""
        return {
            "seconds": self.result.seconds,
            "changes": len(self.result.changes),
        }

    def draw(self, random: randoms.Random) -> tuple[str, dict]:
        """Draws a moment: its kind, and arguments for a `Killer`."""
        kind = random.choice(KINDS)
        if kind == "change":
            return kind, {"change": random.randint(1, len(self.result.changes))}
        first = self.result.changes[0][0] if kind == "writing" else 0
        return kind, {"seconds": random.uniform(first, self.result.seconds)}


def trial(
    killer: Killer, case: Case, reference: Reference, random: randoms.Random, most: int
) -> dict | None:
    """Kills a command once or several times, and runs it again to its end.

    Args:
        killer: `Killer`.
        case: `Case`.
        reference: `Reference` of the command.
        random: Random numbers.
        most: Largest number of kills.

    Returns:
        A dict ready for JSON. `kills` has a dict for each kill: how its moment was
        drawn (`kind`), the `seconds` from the command's start, the last change of a
        file (`after`), and what was found: paths that are `half_written`, and paths
        that a reader took from two commands (`mixed`). `error` is the last line of the
        command that should have ended, or `None`. `differing` and `left_over` are
        paths; `measured_again` has the partial folders whose kept rounds were not used.
        If the command ended before the kill: `None`.
    """
    shutil.rmtree(killer.folder)
    shutil.copytree(reference.before, killer.folder)
    (wanted,) = random.choices((1, 2, 3), KILLS)
    kills, kept = [], {}
    while True:
        killed = len(kills) < min(wanted, most)
        kind, moment = reference.draw(random) if killed else ("", {})
        result = killer(case.words, **moment)
        if result.status != -signal.SIGKILL:
            break
        after = result.changes[-1][1] if result.changes else None
        findings = _look(killer, case, reference)
        kills.append(
            {"kind": kind, "seconds": result.seconds, "after": after} | findings
        )
        kept = checks.rounds_kept(killer.folder)
    if not kills:
        return None
    ends = checks.digests(killer.folder)
    names = {*ends, *reference.new}
    all_rounds = checks.rounds_measured(reference.result.changes)
    rounds = checks.rounds_measured(result.changes)
    return {
        "kills": kills,
        "error": result.error if result.status else None,
        "differing": sorted(n for n in names if ends.get(n) != reference.new.get(n)),
        "measured_again": [n for n in kept if kept[n] + rounds[n] != all_rounds[n]],
        "left_over": checks.left_over(killer.folder),
    }


def _look(killer, case, reference):
    """Returns what a kill has left. A reader gets a copy: it may change the folder."""
    copy = killer.home / "copy"
    shutil.copytree(killer.folder, copy)
    broken, mixed = checks.half_written(copy), []
    try:
        case.read(copy)
    except (OSError, UserError):
        pass  # It says what is wrong.
    else:
        read = checks.digests(copy, case.sets)
        whole = [
            {name: results[name] for name in checks.select(results, case.sets)}
            for results in (reference.old, reference.new)
        ]
        mixed = [] if read in whole else sorted(read)
    shutil.rmtree(copy)
    return {"half_written": broken, "mixed": mixed}

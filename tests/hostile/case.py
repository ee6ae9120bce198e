"""Case: a command with bad or hostile input, and the verdict on what it did."""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import signal
import stat
from collections.abc import Callable

from in_process import run

from tfdyn.costs import provenance

# Verdicts. All but the first two are faults.
VERDICTS = ("clear", "accepted", "unclear", "trace", "wrong", "lost", "endless")
SECONDS = 120
LONGEST = 700
# What no error should say: numbers of the system, Keras's advice to drop its guard,
# letters for terminals, and that the user's bad input is a bug of ours.
UNCLEAR = ("[Errno", "safe_mode", "\033", "bug in tfdyn", "Errno ")


@dataclasses.dataclass(frozen=True)
class Case:
    """A command with one bad input.

    Attributes:
        kind: Kind of the input: a row of the table in docs/robustness.md.
        name: Name of the case, one of its kind.
        words: Module of the command, and its flags. The command runs in the folder of
            the case.
        names: Texts of which an error must name one: the flag or the file.
        uses: Names in the template that the folder of the case gets.
        prepare: Function of that folder, which puts the bad input into it. What it
            returns, if anything, is a context manager in which the command runs.
        expect: "refused": an error of one line. "accepted": the command ends well.
            "said": refused, or the command ends well and names the input. "either":
            refused, or the command ends well.
        says: Text that must be printed, if the command ends well.
        writes: Names in the folder that the command may change.
    """

    kind: str
    name: str
    words: tuple[str, ...]
    names: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    prepare: Callable = lambda folder: None
    expect: str = "refused"
    says: str = ""
    writes: tuple[str, ...] = ("run", "half", "new", "runs")

    def __str__(self):
        return f"{self.kind}: {self.name}"


def judge(case: Case, template: pathlib.Path, folder: pathlib.Path) -> tuple[str, str]:
    """Runs a case in an empty folder.

    Args:
        case: The case.
        template: Folder that `hostile.template.make` made.
        folder: Path of a folder that does not exist yet.

    Returns:
        The verdict, one of `VERDICTS`, and the reason or what was printed.
    """
    folder.mkdir(parents=True)
    for name in case.uses:
        source = template / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(source, folder / name)
    provenance.warn_once.cache_clear()  # What is said once is said in each case.
    context = case.prepare(folder) or contextlib.nullcontext()
    before = digests(folder)
    with context, _limit():
        result = run(*case.words, cwd=folder)
    after = digests(folder)
    printed = result.stdout + result.stderr
    if "CaseTimeout" in result.stderr:
        return "endless", printed
    if "Traceback (most recent call last)" in result.stderr:
        return "trace", result.stderr
    if loss := _loss(case, result.status, before, after, folder):
        return "lost", f"{loss}\n{printed}"
    if result.status == 0:
        if case.expect == "refused":
            return "wrong", f"accepted\n{printed}"
        if case.expect == "said" and not any(name in printed for name in case.names):
            return "wrong", f"accepted, and none of {case.names} named\n{printed}"
        if case.says not in printed:
            return "wrong", f"{case.says!r} is not said\n{printed}"
        return "accepted", printed
    if case.expect == "accepted":
        return "wrong", f"refused\n{printed}"
    mistake = _unclear(result.stderr, case.names)
    return ("unclear", f"{mistake}\n{printed}") if mistake else ("clear", printed)


def _unclear(stderr, names):
    """Returns what is wrong with a printed error, or `None`."""
    lines = [line for line in stderr.splitlines() if line.startswith("error: ")]
    if len(lines) != 1:
        return f"{len(lines)} lines begin with error:"
    (line,) = lines
    if len(line) > LONGEST:
        return f"the line has {len(line)} characters"
    for text in UNCLEAR:
        if text in stderr:
            return f"{text!r} is in it"
    if names and not any(name in line for name in names):
        return f"it names none of {names}"
    return None


def _loss(case, status, before, after, folder):
    """Returns what was lost, overwritten or left half-written, or `None`."""
    for name, digest in before.items():
        may_change = status == 0 and name.split("/")[0] in case.writes
        if name not in after and not may_change:
            return f"{name} is gone"
        if after.get(name) != digest and not may_change:
            return f"{name} was changed"
    for name in after.keys() - before.keys():
        if ".tfdyn-tmp-" in name:
            return f"the temporary {name} is left"
        if name.split("/")[0] not in case.writes:
            return f"{name} is new"
        path = folder / name
        if path.suffix == ".json" and path.is_file():
            try:
                json.loads(path.read_text())
            except ValueError as error:
                return f"{name} is half-written: {error}"
    return None


def digests(folder: pathlib.Path) -> dict[str, str]:
    """Returns a digest of each file and link below a folder, by its path in it."""
    result = {}
    for root, folders, files in os.walk(folder):
        for name in (*files, *folders):
            path = pathlib.Path(root, name)
            mode = path.lstat().st_mode
            text = f"{stat.S_IFMT(mode)}"
            if stat.S_ISLNK(mode):
                text += os.readlink(path)
            elif stat.S_ISREG(mode) and path.stat().st_size < 2**28:
                text += hashlib.sha256(path.read_bytes()).hexdigest()
            if name not in (".tfdyn-lock", "__pycache__"):
                result[os.fsdecode(path.relative_to(folder))] = text
    return result


class CaseTimeoutError(BaseException):
    """The command has not ended in time."""


@contextlib.contextmanager
def _limit():
    def stop(*_):
        raise CaseTimeoutError

    usual = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, usual)

"""Benchmark output: what TFLite's `benchmark_model`, or its app's log, says of time."""

import dataclasses
import re

from tfdyn.errors import UserError

FINAL = "Inference timings in us:"
_NUMBER = r"([-+]?\d+\.?\d*(?:[eE][-+]?\d+)?)"
_PHASE = re.compile(r"\bcount=(\d+)\b(.*)")
_FIELD = re.compile(rf"\b(\w+)={_NUMBER}")
_FINAL = re.compile(
    rf"{FINAL} Init: {_NUMBER}, First inference: {_NUMBER}, "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}\s*$"
)


@dataclasses.dataclass(frozen=True)
class Timings:
    """Milliseconds of one inference; what the tool did not say is `None`.

    Attributes:
        milliseconds: The median; of a build that tells none, the average.
        count: Number of runs.
        min: The fastest of them, in ms.
        max: The slowest, in ms.
        std: Their standard deviation, in ms.
        init: Time until the network was loaded, in ms.
        first: Time of its very first run, in ms.
    """

    milliseconds: float
    count: int | None = None
    min: float | None = None
    max: float | None = None
    std: float | None = None
    init: float | None = None
    first: float | None = None


def parse(text):
    """Reads the timings of one run of the benchmark.

    Args:
        text: Standard output and error of `benchmark_model`, or lines of `adb logcat`
            of the app.

    Returns:
        `Timings`.

    Raises:
        ValueError: If the lines are not there, or the text is cut off before them.
    """
    # A last line without its end may be cut in the middle of a number.
    lines = text[: text.rfind("\n") + 1].splitlines()
    phases, final = [], None
    for line in lines:
        if final := _FINAL.search(line):
            break  # Profilers may follow, whose lines look like those of phases.
        if phase := _PHASE.search(line):
            phases.append(phase)
    # The first phase warms up; alone it is no measurement.
    found = _phase(phases[-1]) if len(phases) > 1 else {}
    if final:
        init, first, _, average = (float(us) / 1e3 for us in final.groups())
        found = {"milliseconds": average, **found, "init": init, "first": first}
    if "milliseconds" not in found:
        raise UserError(
            f"The benchmark was to end with a line `{FINAL} …`; it said last:\n"
            f"{tail(text)}"
        )
    return Timings(**found)


def finished(text):
    """Whether the last line of results is there."""
    return FINAL in text[: text.rfind("\n") + 1]


def tail(text, count=5):
    """Returns the last lines of a text that are not empty, indented."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:]) or "  (nothing)"


def _phase(match):
    """Returns the fields of a line such as `count=50 first=412 curr=398 min=…`."""
    fields = {name: float(us) / 1e3 for name, us in _FIELD.findall(match[2])}
    # Where all runs took as long, or there was but one, there is `curr` alone.
    if fields.keys() == {"curr"}:
        fields |= {"median": fields["curr"], "std": 0.0}
        fields |= {"min": fields["curr"], "max": fields["curr"]}
    found = {name: fields[name] for name in ("min", "max", "std") if name in fields}
    if "median" in fields or "avg" in fields:
        found["milliseconds"] = fields.get("median", fields.get("avg"))
    return {"count": int(match[1]), **found}

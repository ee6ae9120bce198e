"""Benchmark output: reads the timings that TFLite's stock benchmark prints."""

import dataclasses
import re

from tfdyn.errors import UserError

# A longer time is none: 11 days.
LONGEST_MS = 1e9
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
    """Holds the timings of one benchmark; what it did not print is `None`.

    Attributes:
        milliseconds: Median time of a run, in ms. Older builds print no median; then
            the average.
        count: Number of runs.
        min: Time of the fastest run, in ms.
        max: Time of the slowest run, in ms.
        std: Standard deviation of the times, in ms.
        init: Time to load the network, in ms.
        first: Time of the first run of the warm-up, in ms.
    """

    milliseconds: float
    count: int | None = None
    min: float | None = None
    max: float | None = None
    std: float | None = None
    init: float | None = None
    first: float | None = None


def parse(text: str) -> Timings:
    """Reads the timings of one run of the benchmark.

    Args:
        text: Standard output and error of `benchmark_model`, or the app's lines in
            `adb logcat`.

    Returns:
        `Timings`.

    Raises:
        UserError: If the text has no timings, is cut off before them, or if they are
            not above 0.
    """
    # A last line without a line end may stop in the middle of a number.
    lines = text[: text.rfind("\n") + 1].splitlines()
    phases, final = [], None
    for line in lines:
        if final := _FINAL.search(line):
            break  # A profiler may print more lines, which look like phases.
        if phase := _PHASE.search(line):
            phases.append(phase)
    # The first phase is the warm-up; its times are not used.
    timings = _phase(phases[-1]) if len(phases) > 1 else {}
    if final:
        init, first, _, average = (float(us) / 1e3 for us in final.groups())
        timings = {**timings, "init": init, "first": first}
        timings["milliseconds"] = timings.get("milliseconds") or average
    if "milliseconds" not in timings:
        raise UserError(
            f"The benchmark should end with a line `{FINAL} …`, as TFLite's stock "
            f"benchmark does: use a build of it. It printed last:\n{tail(text)}"
        )
    if not 0 < timings["milliseconds"] <= LONGEST_MS:
        raise UserError(
            f"The benchmark printed a time of {timings['milliseconds']:g} ms, and a "
            f"time is above 0 and finite: use TFLite's stock benchmark. It printed "
            f"last:\n{tail(text)}"
        )
    return Timings(**timings)


def finished(text: str) -> bool:
    """Returns whether a text has the last line of results.

    Args:
        text: As for `parse`.
    """
    return FINAL in text[: text.rfind("\n") + 1]


def tail(text: str, count: int = 5) -> str:
    """Returns the last lines of a text that are not empty, indented.

    Args:
        text: The text.
        count: Largest number of lines.
    """
    lines = [line.rstrip()[:300] for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:]) or "  (nothing)"


def _phase(match):
    """Returns the fields of a line such as `count=50 first=412 curr=398 min=…`."""
    fields = {name: float(us) / 1e3 for name, us in _FIELD.findall(match[2])}
    # If all runs took the same time, or there was one run, `curr` is the only field.
    if fields.keys() == {"curr"}:
        fields |= {"median": fields["curr"], "std": 0.0}
        fields |= {"min": fields["curr"], "max": fields["curr"]}
    timings = {name: fields[name] for name in ("min", "max", "std") if name in fields}
    if "median" in fields or "avg" in fields:
        # The median is printed in whole microseconds: 0 if a file takes less than one.
        timings["milliseconds"] = fields.get("median") or fields.get("avg", 0.0)
    return {"count": int(match[1]), **timings}

"""Timings from the words of the benchmark, in every form in which it says them."""

import pytest

from export.latency.devices import benchmark_output
from export.latency.devices.benchmark_output import Timings, parse

OLD = """\
STARTING!
Duplicate flags: num_threads
Min num runs: [50]
Graph: [/data/local/tmp/0.tflite]
Loaded model /data/local/tmp/0.tflite
The input model file size (MB): 3.34914
Initialized session in 3.501ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds
count=12 first=156677 curr=33205 min=32578 max=156677 avg=43268.1 std=34197

Running benchmark for at least 50 iterations and at least 1 seconds
count=50 first=33228 curr=33130 min=32687 max=33239 avg=33071.8 std=129

Inference timings in us: Init: 3501, First inference: 156677, Warmup (avg): 43268.1, \
Inference (avg): 33071.8
Memory footprint delta from the start of the tool (MB): init=4.58984 overall=7.82031
"""
NEW = """\
INFO: Initialized session in 92.318ms.
INFO: count=3 first=235158 curr=200386 min=199462 max=235158 avg=211669 std=16613 \
p5=199462 median=200386 p95=235158
INFO: count=25 first=187533 curr=140990 min=140071 max=195121 avg=145528 std=13583 \
p5=140545 median=141253 p95=187533
INFO: Inference timings in us: Init: 92318, First inference: 235158, Warmup (avg): \
211669, Inference (avg): 145528
"""
OLD_TIMINGS = Timings(33.0718, 50, 32.687, 33.239, 0.129, 3.501, 156.677)
NEW_TIMINGS = Timings(141.253, 25, 140.071, 195.121, 13.583, 92.318, 235.158)


def approx(timings):
    return pytest.approx(vars(timings))


@pytest.mark.parametrize("text, timings", [(OLD, OLD_TIMINGS), (NEW, NEW_TIMINGS)])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize(
    "prefix", ["", "11-20 10:00:00.000  1234  1260 I tflite  : ", "I/tflite ( 1234): "]
)
def test_formats(text, timings, end, prefix):
    lines = [f"{prefix}{line}" for line in text.splitlines()]
    text = end.join(["--------- beginning of main", *lines, ""])
    assert vars(parse(text)) == approx(timings)
    assert benchmark_output.finished(text)


def test_all_runs_alike():
    text = OLD.replace(
        "first=33228 curr=33130 min=32687 max=33239 avg=33071.8 std=129",
        "curr=33071(all same)",
    )
    expected = Timings(33.071, 50, 33.071, 33.071, 0.0, 3.501, 156.677)
    assert vars(parse(text)) == approx(expected)


def test_one_run():
    text = "count=1 curr=40000\ncount=1 curr=30000\n"
    assert vars(parse(text)) == approx(Timings(30.0, 1, 30.0, 30.0, 0.0))


def test_exponents():
    text = NEW.replace("median=141253", "median=1.41253e+05")
    text = text.replace("avg=145528", "avg=1.45528E5")
    text = text.replace("Init: 92318", "Init: 9.2318e+04")
    assert vars(parse(text)) == approx(NEW_TIMINGS)


def test_a_log_that_has_lost_its_beginning():
    (final,) = [line for line in OLD.splitlines() if "Inference timings" in line]
    expected = Timings(33.0718, init=3.501, first=156.677)
    assert vars(parse(f"{final}\n")) == approx(expected)
    # One phase: the warm-up, or the runs; the last line alone is sure.
    (warm_up,) = [line for line in OLD.splitlines() if "count=12" in line]
    assert vars(parse(f"{warm_up}\n{final}\n")) == approx(expected)


def test_without_the_last_line_both_phases_are_enough():
    text = NEW[: NEW.index("INFO: Inference timings")]
    expected = Timings(141.253, 25, 140.071, 195.121, 13.583)
    assert vars(parse(text)) == approx(expected)
    assert not benchmark_output.finished(text)


def test_what_a_profiler_adds_is_no_phase():
    text = NEW + "Timings (microseconds): count=25 first=9 curr=9 min=9 max=9 avg=9\n"
    assert vars(parse(text)) == approx(NEW_TIMINGS)


def test_cut_anywhere_it_is_right_or_refused():
    refused = 0
    for length in range(len(NEW)):
        try:
            assert parse(NEW[:length]).milliseconds == pytest.approx(141.253)
        except ValueError:
            refused += 1
    assert refused == NEW.index("INFO: Inference timings")


def test_the_average_of_a_cut_last_line_is_not_taken():
    (final,) = [line for line in OLD.splitlines() if "Inference timings" in line]
    with pytest.raises(ValueError, match="should end with a line"):
        parse(final[:-4])


@pytest.mark.parametrize(
    "text, said",
    [
        ("", r"\(nothing\)"),
        ("\n\n", r"\(nothing\)"),
        ("Failed to load model x.tflite\nBenchmarking failed.\n", "x.tflite\n  Bench"),
        ("a\nb\nc\nd\ne\nf\ng\n", "last:\n  c\n  d\n  e\n  f\n  g$"),
        ("count=0\ncount=0\n" + OLD.splitlines()[-2][:-7] + "-nan\n", "-nan"),
        ("count=0\ncount=0\n", "count=0\n  count=0"),
        (
            "count=3 first=9 curr=8 min=8 max=9 avg=8.5 std=1\n",
            "printed last:\n  count=3",
        ),
    ],
)
def test_no_timings(text, said):
    with pytest.raises(ValueError, match=said):
        parse(text)

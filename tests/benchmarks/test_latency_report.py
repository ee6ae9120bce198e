"""The report of routed latency: its numbers, by hand."""

import numpy as np
import pytest

from benchmarks import latency_report


def test_summary():
    def row(gates_taken, routed, every, **others):
        macs = {"routed": 50, "all_branches": 100, **dict.fromkeys(others, 40)}
        ms = {"routed": routed, "all_branches": every, **others}
        return {"branches": gates_taken, "macs": macs, "ms": ms}

    rows = [row(2, 6.0, 8.0, forced=5.0, fixed=3.0), row(2, 4.0, 8.0, forced=3.5)]
    summary = latency_report.summary(rows, branches=10)
    assert summary["forms"]["routed"]["ms"] == {"median": 5.0, "quartiles": [4.5, 5.5]}
    assert summary["forms"]["fixed"]["macs"]["median"] == 40
    medians = {"time_saved": 0.375, "macs_saved": 0.5, "saved_ratio": 0.75}
    medians |= {"routed_to_all_branches": 0.625, "routed_to_fixed": 2.0}
    medians |= {"routers_ms": 0.75, "gate_us": 200.0}
    for name, median in medians.items():
        assert summary[name]["median"] == pytest.approx(median), name
    assert summary["fixed_images"] == 1 and summary["gate_fit"] is None
    # The two forms then differ in their gates too.
    assert latency_report.summary(rows, 10, ungated=True)["routers_ms"] is None


def test_summary_where_nothing_is_saved_or_fixed():
    both = {"routed": 8, "all_branches": 8}
    rows = [{"branches": 4, "macs": both, "ms": both}]
    summary = latency_report.summary(rows, branches=4)
    assert list(summary["forms"]) == ["all_branches", "routed"]
    assert summary["macs_saved"]["median"] == 0 and summary["saved_ratio"] is None
    assert summary["gate_us"] is summary["gate_fit"] is None


def test_gates_taken_and_not_taken_are_fitted():
    gates_taken = np.array([10, 14, 20, 30])
    microseconds = 3.0 * gates_taken + 0.5 * (40 - gates_taken)
    fit = latency_report.fit_gates(gates_taken, 40, microseconds)
    assert fit["taken_us"] == pytest.approx(3.0)
    assert fit["not_taken_us"] == pytest.approx(0.5)
    assert fit["taken_se_us"] == pytest.approx(0, abs=1e-6)
    noise = np.array([1, -1, -1, 1])
    fit = latency_report.fit_gates(gates_taken, 40, microseconds + noise)
    assert abs(fit["taken_us"] - 3.0) < 2 * fit["taken_se_us"] < 0.5


@pytest.mark.parametrize(
    "gates_taken, microseconds",
    [
        ([], []),
        ([10, 20], [30, 40]),  # an exact fit says nothing of its error
        ([10, 10, 10], [30, 31, 32]),
        ([10, 10, 11], [10, 50, 30]),
    ],
)
def test_gates_that_are_not_determined_are_not_fitted(gates_taken, microseconds):
    assert latency_report.fit_gates(gates_taken, 40, microseconds) is None

"""Provenance of cost tables: where they were measured, and whether that is here."""

import datetime

import pytest
from absl import logging

from tfdyn.costs import provenance
from tfdyn.costs.cost_table import CostTable

TODAY = datetime.date.today().isoformat()
PHONE = {"device": "adb-R58", "manufacturer": "Acme", "model": "7", "android": "14"}


def table(device=None, unit="ms", **changes):
    """A table that was measured here today, but for the changes."""
    here = provenance.this_machine()
    content = {"device": here if device is None else device, "num_threads": 1}
    content |= {"date": TODAY, **changes}
    return CostTable(unit, {"KEY": {"cost": 1}}, provenance=content)


def other(**changes):
    return {**provenance.this_machine(), **changes}


def test_a_table_of_this_machine(caplog):
    same = table(versions={"tensorflow": provenance.this_machine()["tensorflow"]})
    assert provenance.differences(same) == []
    provenance.warn(same)
    assert not caplog.text
    here = provenance.this_machine()
    text = provenance.origin(same)
    assert text.startswith(f"measured on {here['processor'][:100]} (")
    assert text.endswith(f"{here['cores']} cores, 1 thread), {TODAY}")


def test_a_new_kernel_is_no_other_machine():
    system = f"{provenance.this_machine()['system'].split('-')[0]}-1.0-older"
    assert provenance.differences(table(device=other(system=system))) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"device": other(processor="Cortex-A53")}, "processor: Cortex-A53 there"),
        ({"device": other(cores=999)}, "cores: 999 there"),
        ({"device": other(system="Plan 9")}, "system: Plan 9 there"),
        ({"device": other(**{"ai-edge-litert": "0.1"})}, "ai-edge-litert: 0.1 there"),
        ({"versions": {"tensorflow": "1.0"}}, "tensorflow: 1.0 there"),
        ({"num_threads": 4096}, "4096 threads there, only"),
        ({"date": "1999-01-01"}, "days ago"),
        ({"date": "2999-01-01"}, "a date in the future"),
        ({"date": 7}, "no date"),
        ({"device": {"device": "host"}}, "does not say on which processor"),
        ({"device": {}}, "does not say where"),
        ({"device": 5}, "does not say where"),
    ],
)
def test_a_table_of_elsewhere_is_not_used_in_silence(
    changes, expected, caplog, tmp_path
):
    elsewhere = table(**changes)
    assert expected in "; ".join(provenance.differences(elsewhere))
    with caplog.at_level(logging.WARNING):
        elsewhere.path = tmp_path / "table.json"
        provenance.warn(elsewhere)
        provenance.warn(elsewhere)
    assert expected.partition(": ")[2].removesuffix(" there") in caplog.text
    assert "table.json was measured on" in caplog.text
    assert "measure again with `python -m export.latency`" in caplog.text
    assert "this machine is" in caplog.text and caplog.text.count("warning: ") == 1


def test_a_phone_s_table_is_used_on_a_computer():
    phone = table(PHONE)
    assert provenance.differences(phone) == []
    assert provenance.differences(phone, {**PHONE, "android": "15"}) == [
        "android: 14 there, 15 here"
    ]
    text = provenance.origin(phone)
    assert text == f"measured on Acme 7 (adb-R58, Android 14, 1 thread), {TODAY}"
    named = table("a phone")
    assert provenance.origin(named).startswith("measured on a phone (1 thread)")


def test_what_is_counted_is_measured_nowhere(caplog):
    counted = table({}, unit="macs")
    assert provenance.origin(counted) == "counted in macs"
    provenance.warn(counted)
    assert not caplog.text


def test_words_from_a_file_stay_short_and_in_one_line():
    text = provenance.origin(table(other(processor="a\n\x1b[31mb" + 500 * "c")))
    assert "\n" not in text and "\x1b" not in text and len(text) < 500

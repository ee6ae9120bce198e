"""Address: what a person is told to open."""

import importlib.util
import re

import pytest

from export.browser import address


def test_of_this_machine():
    text = address.describe(address.address_of("127.0.0.1", 8000, "key/"), "127.0.0.1")
    assert text == "open http://127.0.0.1:8000/key/"


def test_of_the_network_with_a_qr_code():
    pytest.importorskip("segno")
    page = address.address_of("0.0.0.0", 8000)
    assert (
        re.fullmatch(r"http://\d+\.\d+\.\d+\.\d+:8000/", page) and "0.0.0.0" not in page
    )
    text = address.describe(page, "0.0.0.0")
    assert text.startswith(f"open {page}\n\n") and text.count("\n") > 10


def test_without_segno(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    text = address.describe("http://192.168.1.2:8000/", "0.0.0.0")
    assert text.endswith("(`pip install segno` shows it as a QR code)")


def test_ipv6_is_in_brackets():
    assert address.address_of("::1", 80) == "http://[::1]:80/"

"""What a process holds back."""

import os
import sys

import pytest

from tfdyn import output


def test_what_is_held_back_is_shown_where_the_import_fails(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError):
        with output.quiet():
            os.write(2, b"a driver speaks")
            import tensorflow  # noqa: F401
    assert "a driver speaks" in capfd.readouterr().err


def test_what_is_held_back_stays_back(capfd):
    with output.quiet():
        os.write(2, b"a driver speaks")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"

import os
import sys

import pytest
from absl import app

from tfdyn import commands


@pytest.mark.parametrize(
    "argv, name",
    [
        (["train", "--flagfile=configs/a.flags"], "a"),
        (["train", "-flagfile", "b.flags", "--seed=1"], "b"),
        (["train", "--flagfile=a.flags", "--flagfile=c.txt"], "c"),
        (["train", "--seed=1"], None),
    ],
)
def test_a_run_is_named_after_its_flagfile(argv, name):
    assert commands.flagfile_name(argv) == name


def run(monkeypatch, main, *words, **options):
    """Runs a command's main as absl would, without parsing flags."""
    monkeypatch.setattr(app, "run", lambda main: main(["command", *words]))
    monkeypatch.setattr(commands, "start_tensorflow", lambda: None)
    if not commands.FLAGS.is_parsed():
        commands.FLAGS(["command"])
    commands.run(main, **options)


@pytest.mark.parametrize("kind", [ValueError, FileNotFoundError, ArithmeticError])
def test_an_error_that_a_user_can_mend_is_one_line(monkeypatch, kind):
    def main():
        raise kind("the cup is empty")

    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, main)
    assert exit.value.code == "error: the cup is empty"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_notes_follow(monkeypatch, kind):
    def main():
        error = kind("spilt")
        error.add_note("The saucer holds the rest.")
        raise error

    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, main)
    assert exit.value.code.endswith("\nThe saucer holds the rest.")


def test_a_bug_keeps_its_trace(monkeypatch):
    def main():
        raise TypeError("a bug")

    with pytest.raises(TypeError):
        run(monkeypatch, main)


def test_an_interrupt_is_no_trace(monkeypatch):
    def main():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, main)
    assert "interrupted" in exit.value.code


def test_a_word_that_is_no_flag_is_an_error(monkeypatch):
    monkeypatch.setattr(app, "run", lambda main: main(["command", "quickly"]))
    with pytest.raises(app.UsageError, match="quickly"):
        commands.run(lambda: None)


@pytest.mark.parametrize("words", [(), ("a.png", "b.png")])
def test_words_that_are_no_flags_are_arguments_where_they_are_wanted(
    monkeypatch, words
):
    given = []
    run(monkeypatch, given.append, *words, arguments=True)
    assert given == [list(words)]


def test_what_is_held_back_is_shown_where_the_import_fails(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError):
        with commands.quiet():
            os.write(2, b"a driver speaks")
            import tensorflow  # noqa: F401
    assert "a driver speaks" in capfd.readouterr().err


def test_what_is_held_back_stays_back(capfd):
    with commands.quiet():
        os.write(2, b"a driver speaks")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"

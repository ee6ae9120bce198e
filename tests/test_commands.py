import io
import sys

import pytest
from absl import app, flags

from tfdyn import commands, output
from tfdyn.errors import UserError


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
    monkeypatch.setattr(app, "run", lambda main, **_: main(["command", *words]))
    monkeypatch.setattr(output, "start_tensorflow", lambda: None)
    if not commands.FLAGS.is_parsed():
        commands.FLAGS(["command"])
    commands.run(main, **options)


@pytest.mark.parametrize("kind", [UserError, FileNotFoundError])
def test_an_error_that_a_user_can_mend_is_one_line(monkeypatch, kind):
    def main():
        raise kind("the cup is empty")

    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, main)
    assert exit.value.code == "error: the cup is empty"


@pytest.mark.parametrize("kind", [UserError, KeyboardInterrupt])
def test_notes_follow(monkeypatch, capsys, kind):
    def main():
        error = kind("spilt")
        error.add_note("The saucer holds the rest.")
        raise error

    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, main)
    printed = f"{exit.value.code}{capsys.readouterr().err.rstrip()}"
    assert "\nThe saucer holds the rest." in printed


@pytest.mark.parametrize("kind", [TypeError, ValueError, ArithmeticError])
def test_a_bug_keeps_its_trace_and_says_how_to_report_it(monkeypatch, kind):
    def main():
        raise kind("a bug")

    with pytest.raises(kind, match="a bug") as error:
        run(monkeypatch, main)
    assert "Please report it" in error.value.__notes__[0]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--threshold=0.5"], True),
        (["-threshold", "0.5"], True),
        (["--nothreshold"], True),
        (["--flagfile=threshold.flags"], False),
        (["threshold"], False),
    ],
)
def test_what_is_typed_is_told_from_what_a_flagfile_holds(argv, expected):
    assert commands.typed("threshold", ["command", *argv]) == expected


def test_an_interrupt_is_no_trace(monkeypatch, capsys):
    def main():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, main)
    assert exit.value.code == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_word_that_is_no_flag_is_an_error(monkeypatch):
    with pytest.raises(SystemExit) as exit:
        run(monkeypatch, lambda: None, "quickly")
    assert "Unknown argument 'quickly'" in exit.value.code
    assert exit.value.code.count("\n") == 0


def define_flags():
    values = flags.FlagValues()
    flags.DEFINE_integer("verbosity", 0, "", flag_values=values)
    flags.DEFINE_string("a_text", None, "", flag_values=values)
    flags.DEFINE_list("a_list", ["1"], "", flag_values=values)
    flags.DEFINE_list("an_empty_list", [], "", flag_values=values)
    flags.DEFINE_list("run_dirs", None, "", flag_values=values)
    return values


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--no_such_flag=1"], "Unknown command line flag 'no_such_flag'"),
        (["--verbosity=loud"], "verbosity=loud"),
        (["--flagfile=gone.flags"], "gone.flags"),
        (["--flagfile=binary.flags"], "binary.flags is not a flagfile"),
        (["--flagfile="], "--flagfile names no file"),
        (["--flagfile=utf_16.flags"], "utf_16.flags is not a flagfile"),
        (["--flagfile=words.flags"], "words.flags is not a flagfile: 'quickly'"),
        (["--flagfile=itself.flags"], "itself.flags names itself"),
        (["--a_text="], "--a_text= has no value: write --a_text=VALUE"),
        (["--a_text=1", "--a_text", ""], "--a_text= has no value"),
        (["--a_list="], "--a_list= has no value"),
        (["--flagfile=empty.flags"], "--a_list= has no value"),
    ],
)
def test_a_flag_that_cannot_be_parsed_is_one_line(
    tmp_path, monkeypatch, words, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "binary.flags").write_bytes(bytes(range(128, 256)))
    (tmp_path / "utf_16.flags").write_text("--verbosity=1", "utf-16")
    (tmp_path / "words.flags").write_text("quickly")
    (tmp_path / "itself.flags").write_text("--flagfile=itself.flags")
    (tmp_path / "empty.flags").write_text("--a_list=")
    monkeypatch.setattr(commands, "FLAGS", define_flags())
    with pytest.raises(SystemExit) as exit:
        commands.parse(["command", *words])
    assert message in exit.value.code and exit.value.code.startswith("error: ")
    assert exit.value.code.count("\n") == 0


def test_a_flag_that_must_be_given_is_explained(tmp_path, monkeypatch):
    (tmp_path / "other.flags").write_text("--a_text=b")
    values = define_flags()
    flags.DEFINE_string(
        "output", None, "File to write.", required=True, flag_values=values
    )
    monkeypatch.setattr(commands, "FLAGS", values)
    for words in ([], [f"--flagfile={tmp_path}/other.flags"]):
        with pytest.raises(SystemExit) as exit:
            commands.parse(["command", *words])
        assert exit.value.code == "error: --output is missing. It is: File to write."


def test_home_stands_for_itself_in_each_path_of_a_list(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr(commands, "FLAGS", define_flags())
    commands.parse(["command", "--run_dirs=~/a,b"])
    assert commands.FLAGS.run_dirs == ["/home/ada/a", "b"]


def test_an_empty_list_is_a_value_where_it_is_the_default(monkeypatch):
    monkeypatch.setattr(commands, "FLAGS", define_flags())
    assert commands.parse(["command", "--an_empty_list=", "word"]) == [
        "command",
        "word",
    ]
    assert commands.FLAGS.an_empty_list == []


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_what_a_console_cannot_print_is_replaced(monkeypatch, encoding):
    console = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", console)
    run(monkeypatch, lambda: print("cat \u732b caf\udce9"))
    console.flush()
    printed = console.buffer.getvalue().decode(encoding)
    assert printed.startswith("cat ") and printed.endswith(" caf?\n")


@pytest.mark.parametrize("words", [(), ("a.png", "b.png")])
def test_words_that_are_no_flags_are_arguments_where_they_are_wanted(
    monkeypatch, words
):
    calls = []
    run(monkeypatch, calls.append, *words, arguments=True)
    assert calls == [list(words)]

"""Temporary folders: what is left after a kill, and what becomes of it."""

import contextlib
import os
import shutil

import pytest

from tfdyn import temporary
from tfdyn.errors import UserError
from tfdyn.files import whole, whole_folder, whole_set
from tfdyn.locks import locked
from tfdyn.temporary import PREFIX, READY, finish, remove_leftovers


class Killed(BaseException):
    """Takes the place of a kill: nothing that the code catches."""


def killed_before(monkeypatch, count, write):
    """Calls a function up to call number `count` of os.replace. Nothing is removed."""
    replace, calls = os.replace, []

    def counted(*arguments):
        if len(calls) == count:
            raise Killed
        calls.append(arguments)
        replace(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", counted)
        patch.setattr(shutil, "rmtree", lambda *arguments, **options: None)
        with contextlib.suppress(Killed):
            write()
    return len(calls) == count


def contents(folder):
    """The files of a folder that are not temporary."""
    files = (path for path in folder.rglob("*") if path.is_file())
    texts = {path.relative_to(folder).as_posix(): path.read_text() for path in files}
    return {name: text for name, text in texts.items() if ".tfdyn-" not in name}


def write_set(folder, text):
    with whole_set(folder) as new:
        for name in "abc":
            (new / name).write_text(text)


def write_folder(folder, text):
    with whole_folder(folder / "folder") as new:
        (new / "deep").mkdir(parents=True)
        (new / "deep" / "a").write_text(text)


@pytest.mark.parametrize("count", range(6))
@pytest.mark.parametrize("write", [write_set, write_folder])
@pytest.mark.parametrize("next_one", [finish, lambda path: locked(path).__enter__()])
def test_all_is_old_or_all_is_new(tmp_path, monkeypatch, write, count, next_one):
    write(tmp_path, "old")
    old = contents(tmp_path)
    killed_before(monkeypatch, count, lambda: write(tmp_path, "new"))
    next_one(tmp_path)
    assert contents(tmp_path) == (dict.fromkeys(old, "new") if count else old)
    assert not list(tmp_path.glob(f"{READY}*"))


@pytest.mark.parametrize("again", range(4))
@pytest.mark.parametrize("write", [write_set, write_folder])
def test_a_finisher_may_be_killed_too(tmp_path, monkeypatch, write, again):
    write(tmp_path, "old")
    assert killed_before(monkeypatch, 1, lambda: write(tmp_path, "new"))
    killed_before(monkeypatch, again, lambda: finish(tmp_path))
    finish(tmp_path)
    assert set(contents(tmp_path).values()) == {"new"}


def test_a_newer_file_is_not_overwritten_by_what_was_left(tmp_path, monkeypatch):
    killed_before(monkeypatch, 1, lambda: write_set(tmp_path, "killed"))
    with whole(tmp_path / "c") as path:
        path.write_text("newest")
    finish(tmp_path)
    assert contents(tmp_path) == {"a": "killed", "b": "killed", "c": "newest"}


def test_what_stands_in_the_way_is_named(tmp_path, monkeypatch):
    killed_before(monkeypatch, 1, lambda: write_set(tmp_path, "new"))
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match="b is a folder, where a file is written"):
        finish(tmp_path)
    (tmp_path / "b").rmdir()
    finish(tmp_path)
    assert contents(tmp_path) == dict.fromkeys("abc", "new")


def test_files_that_were_added_to_a_folder_are_kept(tmp_path, monkeypatch):
    write_folder(tmp_path, "old")
    killed_before(monkeypatch, 1, lambda: write_folder(tmp_path, "new"))
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="thesis.txt.*did not write"):
        finish(tmp_path)
    assert (tmp_path / "folder" / "thesis.txt").exists()


def test_a_folder_where_a_file_belongs_stops_all(tmp_path):
    write_set(tmp_path, "old")
    (tmp_path / "c").unlink()
    (tmp_path / "c").mkdir()
    with pytest.raises(UserError, match="c is a folder"):
        write_set(tmp_path, "new")
    assert contents(tmp_path) == {"a": "old", "b": "old"}
    assert not list(tmp_path.glob(".tfdyn-*"))


def test_files_that_cannot_be_moved(tmp_path, monkeypatch):
    killed_before(monkeypatch, 1, lambda: write_set(tmp_path, "new"))

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied", "a")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(UserError, match="of two commands.*Permission denied"):
            finish(tmp_path)


def test_leftovers_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "tmp.notes.txt").write_text("mine")
    (tmp_path / f"{PREFIX}1" / "deep").mkdir(parents=True)
    for prefix in (PREFIX, READY):
        (tmp_path / f"{prefix}2").symlink_to(tmp_path)
        (tmp_path / f"{prefix}3").write_text("")
    finish(tmp_path)
    remove_leftovers(tmp_path)
    names = [f"{prefix}{n}" for prefix in (READY, PREFIX) for n in "23"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [*names, "tmp.notes.txt"]


def test_what_a_living_command_writes_stays(tmp_path):
    with whole(tmp_path / "a") as first:
        first.write_text("first")
        with locked(tmp_path), whole(tmp_path / "b") as second:
            second.write_text("second")
    assert contents(tmp_path) == {"a": "first", "b": "second"}


def test_without_locks_leftovers_stay_and_sets_are_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(temporary, "fcntl", None)
    (tmp_path / f"{PREFIX}1").mkdir()
    killed_before(monkeypatch, 1, lambda: write_set(tmp_path, "new"))
    finish(tmp_path)
    remove_leftovers(tmp_path)
    assert contents(tmp_path) == dict.fromkeys("abc", "new")
    assert (tmp_path / f"{PREFIX}1").is_dir()

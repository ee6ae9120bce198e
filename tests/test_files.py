import json
import math
import os

import numpy as np
import pytest

from tfdyn import files
from tfdyn.files import check_inside, whole, whole_folder, whole_set, write_json
from tfdyn.temporary import LIST


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_file_appears_at_the_end_alone(tmp_path):
    path = tmp_path / "a.txt"
    with whole(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert contents(tmp_path) == {"a.txt": "new"}


def test_an_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), whole(path) as temporary:
        temporary.write_text("ne")
        raise KeyError
    assert contents(tmp_path) == {"a.txt": "old"}


def test_json_that_cannot_be_written_keeps_the_old_file(tmp_path):
    path = tmp_path / "content.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert contents(tmp_path) == {"content.json": '{\n "a": 1\n}\n'}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_json_has_null_for_what_is_no_number(tmp_path, number):
    path = tmp_path / "content.json"
    write_json(path, {"a": [1.5, number], "b": ({"c": number},), "d": True})
    content = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert content == {"a": [1.5, None], "b": [{"c": None}], "d": True}


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "a.txt"
    with whole(path) as first, whole(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert contents(tmp_path) == {"a.txt": "first"}


def test_a_link_is_replaced_and_its_target_stays(tmp_path):
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "a.txt").symlink_to(tmp_path / "outside")
    files.write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "outside").read_text() == "mine"
    assert (tmp_path / "a.txt").read_text() == "new"


def test_files_of_a_set_appear_together_or_not_at_all(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyError), whole_set(tmp_path) as folder:
        (folder / "a").write_text("new")
        (folder / "b").write_text("new")
        raise KeyError
    assert contents(tmp_path) == {"a": "old"}
    with whole_set(tmp_path) as folder:
        (folder / "a").write_text("new")
        (folder / "b").write_text("new")
    assert contents(tmp_path) == {"a": "new", "b": "new"}


def write_folder(path, text):
    with whole_folder(path) as temporary:
        (temporary / "deep").mkdir(parents=True)
        (temporary / "deep" / "a").write_text(text)


def test_a_folder_replaces_the_old_one_whole(tmp_path):
    for text in ("old", "new"):
        write_folder(tmp_path / "folder", text)
    names = {"folder/deep/a": "new", f"folder/{LIST}": "deep\ndeep/a"}
    assert contents(tmp_path) == names


def test_an_empty_folder_may_be_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    write_folder(tmp_path / "folder", "new")
    assert (tmp_path / "folder" / "deep" / "a").exists()


@pytest.mark.parametrize("name", ["thesis.txt", "deep/thesis.txt", "deep/more/a"])
def test_a_folder_to_which_files_were_added_is_kept(tmp_path, name):
    path = tmp_path / "folder"
    write_folder(path, "old")
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="folder holds .* did not write.*move it away"):
        write_folder(path, "new")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("kind", ["other file", "link", "file"])
def test_a_folder_that_is_not_ours_is_never_emptied(tmp_path, kind):
    path, home = tmp_path / "folder", tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("mine")
    {
        "other file": lambda: home.rename(path),
        "link": lambda: path.symlink_to(home),
        "file": lambda: (home / "thesis.txt").rename(path),
    }[kind]()
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="move it away"):
        write_folder(path, "new")
    assert contents(tmp_path) == before


def test_a_link_that_leads_out_is_refused(tmp_path):
    run, outside = tmp_path / "run", tmp_path / "outside"
    run.mkdir()
    outside.mkdir()
    (run / "export").symlink_to(outside)
    (run / "inner").symlink_to(run)
    with pytest.raises(ValueError, match="outside of"):
        check_inside(run / "export", run)
    with pytest.raises(ValueError, match="outside of"):
        check_inside(run / "export" / "new", run)
    assert check_inside(run / "inner" / "new", run) == run / "inner" / "new"


def test_new_files_have_the_usual_permissions(tmp_path):
    files.write_text(tmp_path / "a", "")
    (tmp_path / "b").write_text("")
    assert os.stat(tmp_path / "a").st_mode == os.stat(tmp_path / "b").st_mode

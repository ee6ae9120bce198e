import pytest

from tfdyn.files import whole, write_json


def test_a_file_appears_at_the_end_alone(tmp_path):
    path = tmp_path / "a.txt"
    with whole(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        ("a.txt", "new")
    ]


def test_an_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), whole(path) as temporary:
        temporary.write_text("ne")
        raise KeyError
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [
        ("a.txt", "old")
    ]


def test_json_that_cannot_be_written_keeps_the_old_file(tmp_path):
    path = tmp_path / "content.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert path.read_text() == '{\n "a": 1\n}\n'
    assert [file.name for file in tmp_path.iterdir()] == ["content.json"]

import os

import pytest

from tfdyn.reading import check_file, read_json


def read(path, root=dict):
    return read_json(path, "a list of cats", "Write it again.", root)


def test_a_byte_order_mark_is_left_out(tmp_path):
    path = tmp_path / "cats.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert read(path) == {"a": 1}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe{\x00", b"[" * 100_000, b"[1]", b"null", b"1" * 5000],
    ids=["empty", "half", "UTF-16", "deep", "list", "null", "long"],
)
def test_broken_json_is_an_error_of_one_line_that_names_the_file(tmp_path, content):
    path = tmp_path / "cats.json"
    path.write_bytes(content)
    with pytest.raises(ValueError) as info:
        read(path)
    assert str(path) in str(info.value)
    assert "is not a list of cats" in str(info.value)
    assert str(info.value).endswith("Write it again.")
    assert "\n" not in str(info.value)


def test_what_is_no_ordinary_file_is_refused_before_it_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="no ordinary file"):
        read(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nothing, a list of cats\. Write"):
        read(tmp_path / "nothing")


def test_a_file_that_is_too_large_is_refused_by_its_size(tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(2**40)  # Sparse: it takes no space.
    with pytest.raises(ValueError, match="1099511627776 bytes"):
        read(path)
    with pytest.raises(ValueError, match="more than the 10 "):
        check_file(path, 10)

"""Image files that are found below a folder."""

import os

import pytest

from tfdyn.data.image_paths import describe_left_out, find_images


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def images_below(root):
    """The paths below a folder, and the number of other files."""
    paths, left_out = find_images(root)
    return [os.path.relpath(path, root) for path in paths], dict(left_out)


def test_every_ending_that_can_be_decoded_is_taken_and_the_others_are_counted(tmp_path):
    touch(tmp_path, "a.jfif", "b.TIF", "c/d.WebP", "e.heic", "f.HEIC", "g", "h.txt")
    assert images_below(tmp_path) == (
        ["a.jfif", "b.TIF", "c/d.WebP"],
        {".heic": 2, "no ending": 1, ".txt": 1},
    )
    assert describe_left_out(find_images(tmp_path)[1]) == (
        "4 files left out (.heic 2, no ending 1, .txt 1)"
    )


def test_what_systems_leave_is_passed_over(tmp_path):
    touch(tmp_path, ".git/a.png", ".a.png", "._b.png", "@eaDir/0.jpg/THUMB.jpg")
    touch(tmp_path, "__MACOSX/a.png", "$RECYCLE.BIN/a.png", "Thumbs.db", "lost+found/b")
    touch(tmp_path, "good.png")
    assert images_below(tmp_path) == (["good.png"], {})


def test_a_folder_is_no_image(tmp_path):
    touch(tmp_path, "album.jpg/a.png", "empty.jpg/.keep")
    assert images_below(tmp_path) == (["album.jpg/a.png"], {})


def test_links_are_followed_once(tmp_path):
    root, elsewhere = tmp_path / "photos" / "cat", tmp_path / "elsewhere"
    touch(root, "a.png", "real/b.png")
    touch(elsewhere, "c.png", "deep/d.png")
    touch(root.parent, "dog/e.png")
    (root / "more").symlink_to(elsewhere)
    (root / "again").symlink_to(elsewhere)
    (root / "another").symlink_to("real")
    (root / "real" / "back").symlink_to("..")
    (root / "up").symlink_to(root.parent)
    (elsewhere / "round").symlink_to(root)
    assert images_below(root)[0] == [
        "a.png",
        "again/c.png",
        "again/deep/d.png",
        "real/b.png",
    ]


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    (tmp_path / "a.png").symlink_to("nowhere")
    with pytest.raises(ValueError, match="a.png is a link that leads nowhere"):
        find_images(tmp_path)
    (tmp_path / "a.png").unlink()
    (tmp_path / "round.png").symlink_to("round.png")
    with pytest.raises(OSError, match=r"round\.png"):
        find_images(tmp_path)


def test_a_pipe_is_no_image(tmp_path):
    os.mkfifo(tmp_path / "p.png")
    with pytest.raises(ValueError, match="p.png is no ordinary file"):
        find_images(tmp_path)


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    touch(tmp_path, "closed/a.png")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="closed"):
        find_images(tmp_path)


def test_names_need_not_be_utf_8(tmp_path):
    touch(tmp_path, os.fsdecode(b"caf\xe9.png"))
    assert images_below(tmp_path)[0] == [os.fsdecode(b"caf\xe9.png")]

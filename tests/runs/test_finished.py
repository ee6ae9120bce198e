"""Finished runs."""

import shutil

import pytest

from tfdyn.runs.finished import newest_run


def test_newest_run(tiny_run, tmp_path):
    with pytest.raises(ValueError, match="no finished run"):
        newest_run(tmp_path)
    for name in ("b", "a"):
        shutil.copytree(tiny_run.path, tmp_path / name)
        (tmp_path / name / "model.keras").touch()
    assert newest_run(tmp_path).path.name == "a"

import pytest

from tfdyn.errors import UserError
from tfdyn.tuning.search_folder import SearchFolder

SEARCH = {"tuner": "random", "space": "filters: 4 8\ncost_weight: 0.1 1"}


def test_a_folder_of_another_search_is_refused(tmp_path):
    folder = SearchFolder(tmp_path)
    folder.start(SEARCH)
    folder.start(SEARCH)
    with pytest.raises(UserError, match="another --tuner: random there, grid here"):
        folder.start(SEARCH | {"tuner": "grid"})
    with pytest.raises(UserError, match="another --space: cost_weight: 0.1 1 there, n"):
        folder.start(SEARCH | {"space": "filters: 4 8"})


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "diary.txt").touch()
    with pytest.raises(UserError, match="not a search folder"):
        SearchFolder(tmp_path).start(SEARCH)
    (tmp_path / "diary.txt").unlink()
    folder = SearchFolder(tmp_path)
    folder.start(SEARCH)
    (tmp_path / "best").mkdir()
    (tmp_path / "best/diary.txt").touch()
    with pytest.raises(UserError, match="diary.txt"):
        folder.start(SEARCH)


def test_records_and_the_best_run(tmp_path):
    folder = SearchFolder(tmp_path)
    folder.start(SEARCH)
    assert folder.record(2) is None
    for number in (2, 0):
        folder.write_record({"trial": number, "status": "finished"})
        run = folder.run(number)
        (run / "checkpoints").mkdir(parents=True)
        for name in ("model.keras", "checkpoints/epoch-1.index", "flags.txt"):
            (run / name).write_text(f"{number}\n")
        folder.write_best(number, ["trial", "T=0.5"])
    assert [record["trial"] for record in folder.records()] == [0, 2]
    assert folder.record(2) == {"trial": 2, "status": "finished"}
    assert (tmp_path / "best/model.keras").read_text() == "0\n"
    assert not (tmp_path / "best/checkpoints").exists()
    assert (tmp_path / "best.flags").read_text() == "# trial\n# T=0.5\n\n0\n"
    (tmp_path / "trials/0000.json").write_text("{")
    with pytest.raises(UserError, match="not the record of a trial"):
        folder.records()

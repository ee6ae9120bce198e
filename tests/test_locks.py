import subprocess
import sys

import pytest

from tfdyn.locks import NAME, is_locked, locked

HOLD = """
import sys, time
from tfdyn.locks import locked
with locked(sys.argv[1]):
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "holds\n"
        yield process
        process.kill()


def test_the_second_comer_learns_who_holds_the_lock(tmp_path, holder):
    with pytest.raises(ValueError, match=f"process {holder.pid} on .*python"):
        with locked(tmp_path):
            raise AssertionError("not reached")
    assert is_locked(tmp_path)


def test_a_killed_holder_holds_nothing(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path) and not is_locked(tmp_path / "missing")
    with locked(tmp_path):
        pass


def test_nothing_is_left_and_the_lock_can_be_taken_again(tmp_path):
    for _ in range(2):
        with locked(tmp_path):
            assert (tmp_path / NAME).exists()
        assert not list(tmp_path.iterdir())


def test_a_link_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / NAME).symlink_to(tmp_path / "mine")
    with pytest.raises(OSError), locked(tmp_path):
        raise AssertionError("not reached")
    assert (tmp_path / "mine").read_text() == "mine"

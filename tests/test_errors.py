import errno
import os

import pytest
import tensorflow as tf

from tfdyn.errors import UserError, explain


def test_what_a_user_can_mend_is_one_line():
    assert explain(UserError("first\n  second")) == "first second"
    assert explain(OSError("The phone is gone.")) == "The phone is gone."
    assert explain(ValueError("a bug")) is None


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_errors_of_the_system_name_the_file_and_the_mend(kind):
    line = explain(OSError(kind, os.strerror(kind), "run/model.keras"))
    assert line.startswith(f"run/model.keras: {os.strerror(kind)}. ")
    assert "[Errno" not in line and line.endswith(".")


def test_tensorflow_s_errors_of_the_system_are_such_errors_too():
    full = tf.errors.ResourceExhaustedError(
        None, None, "run/x; No space left on device"
    )
    assert "run/x" in explain(full) and "Free some space" in explain(full)
    assert explain(tf.errors.ResourceExhaustedError(None, None, "OOM")) is None

"""What a process holds back."""

import json
import os
import subprocess
import sys

import keras
import pytest
from paths import ROOT

from tfdyn import output
from tfdyn.errors import UserError


def test_what_is_held_back_is_shown_where_the_import_fails(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError):
        with output.quiet():
            os.write(2, b"a driver speaks")
            import tensorflow  # noqa: F401
    assert "a driver speaks" in capfd.readouterr().err


def test_what_is_held_back_stays_back(capfd):
    with output.quiet():
        os.write(2, b"a driver speaks")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


@pytest.fixture
def restore(monkeypatch):
    """Keras's settings and the environment are those of before after the test."""
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setenv("KERAS_NNX_ENABLED", "false")
    yield
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def test_settings_of_keras_are_those_of_the_networks(restore):
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("mixed_float16")
    output.start_tensorflow()
    assert keras.config.image_data_format() == "channels_last"
    assert keras.config.floatx() == keras.config.dtype_policy().name == "float32"


def test_another_backend_is_named(restore, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match="Keras runs on jax.*KERAS_BACKEND=tensorflow"):
        output.start_tensorflow()


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"backend": "jax", "image_data_format": "channels_first"}, "tensorflow"),
        ({"floatx": "float8"}, "error: Keras does not start with its settings in"),
    ],
)
def test_a_user_s_keras_json(tmp_path, settings, expected):
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    code = (
        "from tfdyn import output\n"
        "try:\n    output.start_tensorflow()\n"
        "except ValueError as error:\n    print('error:', error)\n"
        "else:\n    import keras; print(keras.backend.backend())"
    )
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(expected)

import pytest
import tensorflow as tf

from tfdyn.training.callbacks import EventLog
from tfdyn.training.writing import writing

REASONS = {
    "/run/train/events.1; No space left on device\nFailed to flush": "No space left on",
    "{{f}} /run/part-0.temp; Read-only file system [Op:SaveV2]": "Read-only",
    "Could not initialize events writer. [Op:WriteSummary]": "Could not initialize",
}


@pytest.mark.parametrize("message, reason", REASONS.items(), ids=REASONS.values())
def test_an_error_of_tensorflow_names_folder_and_reason(message, reason):
    with pytest.raises(OSError, match=rf"^runs/a cannot be written to \({reason}") as e:
        with writing("runs/a"):
            raise tf.errors.UnknownError(None, None, message)
    assert len(str(e.value).splitlines()) == 1 and "Op:" not in str(e.value)


def test_tensorboard_s_folder_is_a_file(tmp_path):
    (tmp_path / "tensorboard").write_text("mine")
    log = EventLog(tmp_path / "tensorboard")
    log.set_params({"stage": "pretrain"})
    log.set_model(tf.keras.Sequential())
    with pytest.raises(OSError, match="tensorboard cannot be written to"):
        log.on_train_begin({"epoch": 0})
        log.on_epoch_end(0, {"loss": 1.0})

import io
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.temporary import READY
from tfdyn.training.checkpoints import Checkpoints


def compiled(units=3):
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(units)])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    model.optimizer.build(model.trainable_variables)
    return model


def fill(model, value):
    for variable in [*model.weights, *model.optimizer.variables]:
        variable.assign(np.full(variable.shape, value, variable.dtype))


def values(model):
    everything = [*model.weights, *model.optimizer.variables]
    return {float(np.mean(keras.ops.convert_to_numpy(v))) for v in everything}


def test_an_empty_folder_has_no_epoch(tmp_path):
    assert Checkpoints(tmp_path, compiled()).last_epoch() == 0


def test_restores_weights_and_optimizer_of_the_newest_epoch(tmp_path):
    model = compiled()
    for epoch in (1, 2, 3):
        fill(model, epoch)
        Checkpoints(tmp_path, model).save(epoch)
    other = compiled()
    fill(other, 0)
    checkpoints = Checkpoints(tmp_path, other)
    assert checkpoints.last_epoch() == 3
    checkpoints.restore(3, with_optimizer=True)
    assert values(other) == {3.0}


def test_killed_while_a_checkpoint_was_moved(tmp_path):
    model = compiled()
    for epoch in (1, 2):
        fill(model, epoch)
        Checkpoints(tmp_path, model).save(epoch)
    (tmp_path / f"{READY}1").mkdir()
    (tmp_path / "epoch-2.index").rename(tmp_path / f"{READY}1" / "epoch-2.index")
    assert Checkpoints(tmp_path, model).last_epoch() == 2
    assert (tmp_path / "epoch-2.index").exists()


def test_restores_weights_alone(tmp_path):
    model, other = compiled(), compiled()
    fill(model, 1)
    Checkpoints(tmp_path, model).save(1)
    fill(other, 0)
    Checkpoints(tmp_path, other).restore(1, with_optimizer=False)
    assert values(other) == {0.0, 1.0}


def test_keeps_several_optimizers(tmp_path):
    model = compiled()
    others = [keras.optimizers.Adam(0.1), keras.optimizers.SGD(0.1, momentum=0.9)]
    for optimizer in others:
        optimizer.build(model.trainable_variables)
    checkpoints = Checkpoints(tmp_path, model)
    checkpoints.optimizers = others

    def momenta():
        return [v for optimizer in others for v in optimizer.variables[2:]]

    for value in (5.0, 0.0):
        for variable in momenta():
            variable.assign(np.full(variable.shape, value, variable.dtype))
        if value:
            checkpoints.save(1)
    checkpoints.restore(1, with_optimizer=True)
    assert len(momenta()) > 4
    assert {float(np.mean(variable)) for variable in momenta()} == {5.0}


def test_keeps_two(tmp_path):
    model = compiled()
    for epoch in (1, 2, 3):
        Checkpoints(tmp_path, model).save(epoch)
    assert sorted(path.stem for path in tmp_path.glob("*.index")) == [
        "epoch-2",
        "epoch-3",
    ]


BROKEN = {
    "empty": lambda data, index: data.write_bytes(b""),
    "cut": lambda data, index: data.write_bytes(data.read_bytes()[:20]),
    "one bit": lambda data, index: data.write_bytes(bytes(data.stat().st_size)),
    "no data": lambda data, index: data.unlink(),
    "folder": lambda data, index: (data.unlink(), data.mkdir()),
    "index": lambda data, index: index.write_bytes(b"x"),
    "one of two": lambda data, index: data.rename(
        data.with_name("epoch-2.data-00000-of-00002")
    ),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_broken_checkpoint_is_passed_over(tmp_path, change):
    model, output = compiled(), io.StringIO()
    checkpoints = Checkpoints(tmp_path, model, output)
    for epoch in (1, 2):
        fill(model, epoch)
        checkpoints.save(epoch)
    change(tmp_path / "epoch-2.data-00000-of-00001", tmp_path / "epoch-2.index")
    assert checkpoints.last_epoch() == 1
    assert output.getvalue() == (
        f"epoch-2 in {tmp_path} cannot be read: truncated, or a file is missing\n"
    )
    checkpoints.restore(1, with_optimizer=True)
    assert values(model) == {1.0}


def test_a_broken_checkpoint_is_written_again(tmp_path):
    checkpoints = Checkpoints(tmp_path, compiled(), io.StringIO())
    for epoch in (1, 2):
        checkpoints.save(epoch)
    (tmp_path / "epoch-2.index").write_bytes(b"x")
    assert checkpoints.last_epoch() == 1
    checkpoints.save(2)
    assert checkpoints.last_epoch() == 2


@pytest.mark.parametrize("name", ["epoch-1.index", "epoch.index", "model-3.index"])
def test_files_that_are_no_checkpoint_are_not_trained_over(tmp_path, name):
    (tmp_path / name).write_text("x")
    with pytest.raises(UserError, match=f"no checkpoint .* {name[:-6]}.*Put its files"):
        Checkpoints(tmp_path, compiled()).last_epoch()


def test_a_checkpoint_without_its_index_is_not_passed_over_in_silence(tmp_path):
    checkpoints = Checkpoints(tmp_path, compiled())
    checkpoints.save(1)
    (tmp_path / "epoch-1.index").unlink()
    with pytest.raises(ValueError, match=r"no checkpoint .* but epoch-1\. Put"):
        checkpoints.last_epoch()


@pytest.mark.parametrize("text", [None, "x", "", 'model_checkpoint_path: "epoch-9"'])
def test_the_file_of_tensorflow_is_neither_needed_nor_read(tmp_path, text):
    """Runs of earlier versions have it, and paths in it may lead anywhere."""
    model, folder = compiled(), tmp_path / "checkpoints"
    fill(model, 5)
    contents = Checkpoints(folder, model)._contents(with_optimizer=True)
    manager = tf.train.CheckpointManager(contents, folder, 2, checkpoint_name="epoch")
    manager.save(checkpoint_number=4)
    if text is None:
        (folder / "checkpoint").unlink()
    else:
        (folder / "checkpoint").write_text(text)
    fill(model, 0)
    checkpoints = Checkpoints(folder, model)
    assert checkpoints.last_epoch() == 4
    checkpoints.restore(4, with_optimizer=True)
    assert values(model) == {5.0}


def test_nothing_else_is_deleted(tmp_path):
    folder, mine = tmp_path / "checkpoints", tmp_path / "mine.index"
    mine.write_text("mine")
    folder.mkdir()
    (folder / "checkpoint").write_text(
        'model_checkpoint_path: "epoch-1"\n'
        f'all_model_checkpoint_paths: "{tmp_path}/*"\n'
        'all_model_checkpoint_paths: "x"\nall_model_checkpoint_paths: "epoch-1"\n'
        + 3
        * "all_model_checkpoint_timestamps: 1.0\n"
    )
    others = ("epoch-1.index.bak", "epoch-x.index", "notes.txt", "epoch-01.index")
    for name in others:
        (folder / name).write_text("mine")
    (folder / "epoch-2.index").symlink_to(mine)
    checkpoints = Checkpoints(folder, compiled(), io.StringIO())
    for epoch in (3, 4, 5):
        checkpoints.save(epoch)
    assert mine.read_text() == "mine"
    assert {*others, "checkpoint"} < {path.name for path in folder.iterdir()}
    assert not (folder / "epoch-2.index").is_symlink()


def test_after_an_error_the_checkpoints_before_it_are_kept(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, compiled())
    checkpoints.save(1)

    def write(self, path):
        pathlib.Path(f"{path}.data-00000-of-00001").write_text("half")
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.train.Checkpoint, "write", write)
    with pytest.raises(OSError, match=r"cannot be written to \(No space left"):
        checkpoints.save(2)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["epoch-1.data-00000-of-00001", "epoch-1.index"]


def test_a_checkpoint_of_another_network_is_an_error(tmp_path):
    Checkpoints(tmp_path, compiled(3)).save(1)
    with pytest.raises(ValueError, match="of another network"):
        Checkpoints(tmp_path, compiled(4)).restore(1, with_optimizer=False)

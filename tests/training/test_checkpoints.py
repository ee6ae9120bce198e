import keras
import numpy as np
import pytest

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
    checkpoints.restore(with_optimizer=True)
    assert values(other) == {3.0}


def test_restores_weights_alone(tmp_path):
    model, other = compiled(), compiled()
    fill(model, 1)
    Checkpoints(tmp_path, model).save(1)
    fill(other, 0)
    Checkpoints(tmp_path, other).restore(with_optimizer=False)
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
    checkpoints.restore(with_optimizer=True)
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


@pytest.mark.parametrize("keep", [0, 20])
def test_a_truncated_checkpoint_is_named_and_deleting_it_goes_on_before(tmp_path, keep):
    model = compiled()
    for epoch in (1, 2):
        fill(model, epoch)
        Checkpoints(tmp_path, model).save(epoch)
    (data,) = tmp_path.glob("epoch-2.data*")
    data.write_bytes(data.read_bytes()[:keep])
    checkpoints = Checkpoints(tmp_path, model)
    with pytest.raises(ValueError, match=r"epoch-2 cannot be read.*Delete the files"):
        checkpoints.restore(with_optimizer=True)
    for file in tmp_path.glob("epoch-2.*"):
        file.unlink()
    assert checkpoints.last_epoch() == 1
    checkpoints.restore(with_optimizer=True)
    assert values(model) == {1.0}


def test_a_checkpoint_of_another_network_is_an_error(tmp_path):
    Checkpoints(tmp_path, compiled(3)).save(1)
    with pytest.raises(ValueError, match="of another network"):
        Checkpoints(tmp_path, compiled(4)).restore(with_optimizer=False)

"""The plain ResNet: its size is that of He et al., and how it is trained."""

import in_process
import keras
import numpy as np
import pytest

from benchmarks.plain_resnet import fit, resnet
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings


def test_has_the_published_size():
    model = resnet(20)
    # 0.27 M in table 6 of the paper; two shortcuts here have weights.
    assert model.count_params() == pytest.approx(0.27e6, rel=0.03)
    kinds = [type(layer) for layer in model.layers]
    assert kinds.count(keras.layers.Add) == 9


def test_stochastic_depth_rises_from_0():
    model = resnet(14, drop_path=0.3)
    rates = [x.rate for x in model.layers if isinstance(x, keras.layers.Dropout)]
    np.testing.assert_allclose(rates, [0.06, 0.12, 0.18, 0.24, 0.3])


@pytest.mark.parametrize("depth", [7, 33])
def test_refuses_other_depths(depth):
    with pytest.raises(UserError, match=f"--depth={depth} is not 6 n"):
        resnet(depth)


def test_says_what_belongs_together(tmp_path):
    words = f"--images={tmp_path}/x.npz", f"--output={tmp_path}/y.keras"
    done = in_process.run("benchmarks.plain_resnet", *words)
    assert done.status != 0 and "KERAS_BACKEND=jax belong together" in done.stderr


def test_learns_with_fit():
    model = resnet(8, (8, 8, 1), weight_decay=0.0)
    settings = Settings(
        network="resnet_xs",
        dataset="digits",
        flip=False,
        batch_size=64,
        pretrain_epochs=0,
        finetune_epochs=2,
        finetune_learning_rate=0.1,
    )
    before = model.get_weights()[0]
    rows = fit(model, settings)
    assert len(rows) == 2 and rows[-1] > 0.5
    assert not np.array_equal(model.get_weights()[0], before)

"""The plain ResNet: its size is that of He et al., and it needs JAX to train."""

import in_process
import keras
import numpy as np
import pytest

from benchmarks.plain_resnet import resnet
from tfdyn.errors import UserError


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


def test_says_that_it_needs_jax(tmp_path):
    words = f"--images={tmp_path}/x.npz", f"--output={tmp_path}/y.keras"
    done = in_process.run("benchmarks.plain_resnet", *words)
    assert done.status != 0 and "KERAS_BACKEND=jax" in done.stderr

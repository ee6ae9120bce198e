"""Cross-entropy, by hand."""

import numpy as np
import pytest

from tfdyn.losses.cross_entropy import cross_entropy

LOGITS = np.random.default_rng(0).normal(size=(3, 2, 4)).astype("float32")
LABELS = np.asarray([[0, 3], [1, 1], [2, 0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_value_of_each_example(smoothing):
    shares = LOGITS - np.log(np.exp(LOGITS).sum(axis=-1, keepdims=True))
    targets = np.eye(4)[LABELS] * (1 - smoothing) + smoothing / 4
    expected = -(targets * shares).sum(axis=-1)
    losses = cross_entropy(LABELS, LOGITS, smoothing)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)

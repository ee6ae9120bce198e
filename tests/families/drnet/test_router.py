"""Router."""

import numpy as np
import pytest

from tfdyn.costs import complexity
from tfdyn.families.drnet.router import Router


def test_gives_each_example_logits_of_its_own():
    router = Router(4, connections=3, branches=5)
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 8)).astype("float32")
    logits = np.asarray(router(images))
    assert logits.shape == (4, 3, 5)
    np.testing.assert_allclose(router(images[1:2])[0], logits[1], atol=1e-5)
    assert len(np.unique(logits[:, 0, 0])) == 4


@pytest.mark.parametrize("side", [1, 5, 7])
def test_takes_maps_of_any_size(side):
    assert Router(4, 3, 5)(np.ones((2, side, side, 8), "float32")).shape == (2, 3, 5)


def test_is_two_blocks_a_mean_and_a_matrix():
    router = Router(4, connections=3, branches=5)
    router.build((None, 8, 8, 8))
    block = ["Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU"]
    kinds = [*block, *block, "GlobalAveragePooling2D", "Dense", "Reshape"]
    assert [type(layer).__name__ for layer in router.chain] == kinds
    first = 64 * 8 * 4 + 16 * (25 * 4 + 4)
    second = 16 * 4 * 16 + 4 * (25 * 16 + 16)
    assert complexity.macs(router) == first + second + 16 * 15
    weights = (8 * 4 + 25 * 4 + 2 * 4) + (4 * 16 + 25 * 16 + 2 * 16) + (16 * 15 + 15)
    assert complexity.params(router) == weights


INPUTS = np.random.default_rng(0).normal(size=(4, 8, 8, 8)).astype("float32")


def test_normalized_it_tells_apart_what_differs_little():
    alike = 10 + 0.1 * INPUTS
    spreads = []
    for norm in (False, True):
        router = Router(4, 3, 5, normalized=norm)
        logits = np.asarray(router(alike, training=True))
        spreads.append(np.std(logits, axis=0).mean() / np.std(logits))
    assert spreads[0] < 0.2 < 0.7 < spreads[1]


def test_beliefs_meet_the_features_in_a_hidden_layer():
    router = Router(4, 3, 5, classes=6)
    logits, belief_logits = router(INPUTS)
    *look, dense, _ = router.chain
    pooled = np.maximum(INPUTS, 0).mean(axis=(1, 2))
    expected, certainty = router.beliefs(pooled)
    np.testing.assert_allclose(belief_logits, expected, atol=1e-5)
    features = INPUTS
    for layer in look:
        features = layer(features)
    hidden = router.hidden(np.concatenate([features, certainty], axis=-1))
    expected = np.asarray(dense(hidden)).reshape(4, 3, 5)
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    router.beliefs.classify.bias.assign([9, 0, 0, 0, 0, 0])
    assert (np.asarray(router(INPUTS)[0] - logits) != 0).all()


def test_what_is_added_is_counted():
    def counts(**arguments):
        router = Router(4, 3, 5, **arguments)
        router.build((None, 8, 8, 8))
        return complexity.macs(router), complexity.params(router)

    macs, params = counts()
    assert counts(normalized=True) == (macs + 16, params + 2 * 16)
    macs += 8 * 6 + (16 + 8) * 32 + (32 - 16) * 15
    params += 9 * 6 + (16 + 8 + 1) * 32 + (32 - 16) * 15
    assert counts(classes=6) == (macs, params)
    assert counts(classes=6, normalized=True) == (macs + 16, params + 2 * 16)

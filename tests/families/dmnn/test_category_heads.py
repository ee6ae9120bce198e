"""The category heads of DMNN."""

import numpy as np

from tfdyn.families.dmnn.category_heads import CategoryHeads


def test_every_router_has_a_category_head_of_its_own():
    heads, states = CategoryHeads(3), np.random.default_rng(0).random((4, 2, 5), "f4")
    logits = heads(list(states))
    assert logits.shape == (2, 4, 3)
    for index, state in enumerate(states):
        matrix, shift = heads.heads[index].get_weights()
        np.testing.assert_allclose(logits[:, index], state @ matrix + shift, atol=1e-5)

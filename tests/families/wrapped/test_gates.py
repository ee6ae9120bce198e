"""Gates: which routers are asked, and what becomes of their answers."""

import numpy as np
import pytest
import tiny_wrapped

from tfdyn.families.wrapped.chain import mixed_ops_of, run
from tfdyn.families.wrapped.exits import Exit
from tfdyn.families.wrapped.gates import Gates
from tfdyn.families.wrapped.residual import Residual

IMAGES = tiny_wrapped.images()


def walk(model, threshold=0.5):
    """Asks the gates link by link: the gates, and the weights of each link."""
    gates, state, weights = Gates(model), (IMAGES,), {}
    for link in model.chain:
        here = gates(link, state[0], np.full(9, threshold, "float32"))
        state = run(link, state, here)
        weights[link.name] = {name: np.asarray(w) for name, w in here.items()}
    return gates, weights


def test_what_has_no_router_has_weights_of_1():
    model = tiny_wrapped.wrapped()
    _, weights = walk(model)
    for link in model.chain:
        assert weights[link.name].keys() == {op.name for op in mixed_ops_of(link)}
        if isinstance(link, Exit):
            assert all((weight == 1).all() for weight in weights[link.name].values())
    assert (weights["two"]["two_shortcut_gate"] == 1).all()
    blocks = [weights[name][name] for name in ("one", "two", "three")]
    assert {0, 1} == {*np.ravel(blocks)}


def test_a_router_decides_by_the_features_before_its_block():
    model = tiny_wrapped.wrapped(exits=(), previous_state=False)
    gates, weights = walk(model)
    stem, first = model.chain[:2]
    assert isinstance(first, Residual) and len(gates.logits) == 3
    logits, _ = model.routers["one"](stem(IMAGES))
    np.testing.assert_array_equal(gates.logits[0], logits)
    off = np.exp(logits)[..., 0] / np.exp(logits).sum(axis=-1)
    np.testing.assert_array_equal(weights["one"]["one"], off < 0.5)


def test_a_router_reads_the_state_of_the_one_before():
    model = tiny_wrapped.wrapped(exits=())
    assert [r.previous_state for r in model.routers.values()] == [False, True, True]
    gates, weights = walk(model)
    stem, one = model.chain[:2]
    features = stem(IMAGES)
    _, state = model.routers["one"](features)
    features = one(features, weights["one"])
    logits, _ = model.routers["two"]([features, state])
    np.testing.assert_array_equal(gates.logits[1], logits)


def test_one_router_decides_for_all_blocks():
    model = tiny_wrapped.wrapped(exits=(), routers="image")
    assert [*model.routers] == ["one"] and model.routers["one"].sub_blocks == 3
    gates, weights = walk(model)
    (logits,) = gates.logits
    stem = model.chain[0]
    np.testing.assert_array_equal(logits, model.routers["one"](stem(IMAGES))[0])
    decided = [weights[name][name] for name in ("one", "two", "three")]
    on = np.asarray(logits)[..., 1] > np.asarray(logits)[..., 0]
    np.testing.assert_array_equal(np.concatenate(decided, axis=1), on)


@pytest.mark.parametrize("routers", ["blocks", "image"])
def test_with_t_of_1_all_blocks_run(routers):
    _, weights = walk(tiny_wrapped.wrapped(routers=routers), threshold=1.0)
    assert all((w == 1).all() for link in weights.values() for w in link.values())

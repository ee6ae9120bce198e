"""Pruning: what remains computes as before."""

import numpy as np
import pytest
from tiny_networks import IMAGES, ROWS, make, make_dmnn, make_instanas, run

from tfdyn.models.pruning import prune


@pytest.mark.parametrize("build", [make, make_dmnn, make_instanas])
def test_what_remains_computes_as_before(build):
    model = build()
    spec, macs = model.route_spec, model.route_cost.all_branches
    names = {name: branches[1:2] for name, branches in spec.branches.items()}
    flat = spec.flatten(
        {
            n: np.eye(s, dtype="float32")[1:2]
            for n, s in zip(names, spec.sizes, strict=True)
        }
    )
    route = spec.split(np.repeat(flat, ROWS, axis=0))
    expected = run(model, IMAGES, route=route)["logits"]
    parameters = model.count_params()
    prune(model, names)
    assert model.route_spec.branches == names and model.count_params() < parameters
    assert not [m for m in model.modules if m.kind == "router"]
    assert model.route_cost.all_branches < macs
    route = {name: np.ones((ROWS, 1), "float32") for name in names}
    logits = run(model, IMAGES, route=route)["logits"]
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"cell_0_node_2_from_0": ["x"]},
            "no branch x in cell_0_node_2_from_0. It has ",
        ),
        ({"cell_9": ["x"]}, "no branch x in cell_9. It has no such MixedOp"),
    ],
)
def test_refuses(changes, message):
    model = make()
    before = model.route_spec
    with pytest.raises(ValueError, match=message):
        prune(model, {**before.branches, **changes})
    assert [len(op.branches) for op in model.mixed_ops] == before.sizes

"""Training pass: runs all routes of a codebook, and computes once what they share."""

import keras
import numpy as np
from keras import ops

from tfdyn.layers import execution


def training_pass(model, images, thresholds) -> dict:
    """Returns the outputs of a `Codebook` in training.

    Args:
        model: `Codebook`.
        images: Tensor `(batch, height, width, channels)`.
        thresholds: T for each MixedOp, a tensor `(MixedOps,)`.
    """
    base, tree, decision = model.base, model.tree, model.decision
    count = len(model.routes)
    logits, choices, beliefs = [None] * count, {}, {}

    def walk(index, state, members):
        if index == len(base.parts):
            (member,) = members  # No two routes are the same.
            corrections = model.correction(base.look(state))
            logits[member] = base.end(state) + corrections[:, member]
            return
        groups = tree.groups(index, members)
        if len(groups) > 1:
            pair = model.routers[index](base.look(state), training=True)
            choices[index, members], beliefs[index, members] = pair
        part = base.parts[index]
        for group in groups:
            before = state
            if len(groups) > 1 and count - 1 not in group:
                before = _with_gradient(state, model.arguments["trunk_gradient"])
            route = base.route_spec.split(model.routes[[group[0]]])
            weights = {op.name: route[op.name] for op in part}
            with execution.scope(execution.fixed(weights, part)):
                after = base.advance(before, index, weights)
            walk(index + 1, after, group)

    walk(0, base.begin(images), tuple(range(count)))
    forks = [(i, fork) for i, forks in enumerate(tree.forks) for fork in forks]
    firsts = np.cumsum([0, *map(len, base.parts)])
    alive = decision.all_routes(images)
    for index, fork in forks:
        scores = choices[index, fork.members]
        alive = decision.after(fork, alive, scores, thresholds[firsts[index]])
    all_logits = ops.stack(logits, axis=1)
    outputs = {
        "logits": ops.sum(alive[..., None] * all_logits, axis=1),
        "route": model.weights_of(alive, model.mixed_ops),
        "route_logits": all_logits,
    }
    for name, of_forks in (("choice_logits", choices), ("belief_logits", beliefs)):
        if forks:
            logits = [of_forks[index, fork.members] for index, fork in forks]
            outputs[name] = ops.stack(logits, axis=1)
    return outputs


def _with_gradient(state, share):
    """Returns a state whose gradient is multiplied by a share."""

    def scale(tensor):
        return tensor * share + ops.stop_gradient(tensor) * (1.0 - share)

    return state if share == 1 else keras.tree.map_structure(scale, state)

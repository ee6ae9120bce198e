"""Training pass: all images go through the whole of a wrapped model."""

from keras import ops

from tfdyn.families.wrapped.chain import mixed_ops_of, run
from tfdyn.families.wrapped.exits import Exit, goes_on
from tfdyn.families.wrapped.gates import Gates


def training_pass(model, images, thresholds) -> dict:
    """Returns the outputs of a `Wrapped` in training.

    Each exit sees all images, as does what follows it. `logits` and `route` are those
    with which images stop at the exits.

    Args:
        model: `Wrapped`.
        images: Tensor `(batch, height, width, channels)`.
        thresholds: T for each MixedOp, a tensor `(MixedOps,)`.
    """
    gates = Gates(model, training=True)
    state, exit_logits, weights, route = (images,), [], {}, {}
    goes, logits, at_exit = ops.ones((ops.shape(images)[0], 1), "float32"), None, False
    for link in model.chain:
        here = {}
        if mixed_ops_of(link):
            if at_exit:
                goes = goes * goes_on(logits, thresholds[len(weights)])
                at_exit = False
            here = gates(link, state[0], thresholds[len(weights) :])
        weights |= here
        route |= {name: weight * goes for name, weight in here.items()}
        if isinstance(link, Exit):
            exit_logits.append(ops.cast(link.head(state[0]), "float32"))
            logits = exit_logits[-1] * goes + (
                logits * (1.0 - goes) if logits is not None else 0.0
            )
            at_exit = True
        else:
            state = run(link, state, here)
    outputs = {
        "logits": logits,
        "route": route,
        "exit_logits": ops.stack(exit_logits, axis=1),
    }
    if gates.logits:
        outputs["gates"] = weights
        outputs["choice_probabilities"] = model.selection.probabilities(
            ops.concatenate(gates.logits, axis=1)
        )
    if model.teacher:
        teacher_logits = model.teacher(images, training=False)
        outputs["teacher_logits"] = ops.stop_gradient(teacher_logits)
    return outputs

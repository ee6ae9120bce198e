"""Trace: makes a network a function of images, with the outputs that an app needs."""

import contextlib
import functools

import numpy as np
import tensorflow as tf

from export.graph import gating
from export.graph.constants import Constants
from export.graph.form import Form
from export.graph.ranges import FakeQuantization, Ranges
from tfdyn.costs import complexity
from tfdyn.errors import UserError
from tfdyn.layers import execution, quantization


def gated(
    model,
    input_format,
    form: Form,
    route: np.ndarray | None = None,
    constants: bool = True,
    ranges: Ranges | None = None,
):
    """Traces a network for one image at a time.

    Args:
        model: `RoutedModel`.
        input_format: `InputFormat` of its images.
        form: `Form`.
        route: For the fixed variant, a flat route `(branches of all MixedOps,)`.
        constants: Whether variables become constants of the graph. TFLite needs it.
        ranges: `Ranges` of the activations that are rounded to 8 bits, or `None` to
            round none.

    Returns:
        A concrete `tf.function`. Its inputs are `image`, `(1, height, width,
        channels)`, and, if the form has them, `threshold`, a scalar, or `route`, `(1,
        branches of all MixedOps)`. Its outputs are `logits` and `probabilities`, `(1,
        classes)`; `macs`, `(1,)`, the multiply-accumulates that ran; and `route`,
        `(1, branches of all MixedOps)`.

    Raises:
        UserError: If `form.ungated` names a branch that the network does not have.
    """
    always = _layers(model, form.ungated)
    gates = functools.partial(gating.gated, always=always, binary=model.binary)
    by = gates if form.variant in ("routed", "forced") else gating.ungated
    if form.variant == "all_branches" and model.binary:
        by = gating.unweighted
    frozen = Constants(model) if constants else contextlib.nullcontext()
    # Pixels in float32, if the file takes them as int8: the conversion makes them so.
    pixels = form.preprocess and not form.int8_io
    signature = {"image": _images(1, input_format, pixels)}
    if form.threshold_input:
        signature["threshold"] = tf.TensorSpec((), tf.float32, "threshold")
    if form.variant == "forced":
        signature["route"] = tf.TensorSpec(
            (1, model.route_spec.size), tf.float32, "route"
        )

    def serve(image, threshold=None, **inputs):
        weights = inputs.get("route")
        if form.variant == "fixed":
            weights = np.asarray(route, "float32")[None]
        elif form.variant == "all_branches":
            threshold = 1.0
        threshold = form.threshold if threshold is None else threshold
        images = input_format.normalize(image) if form.preprocess else image
        with frozen, quantization.scope(ranges and FakeQuantization(model, ranges)):
            outputs = _outputs(model, images, by, threshold, weights, form.ungated)
            if ranges:
                outputs["probabilities"] = _softmax(outputs["logits"])
        return outputs

    return tf.function(serve, autograph=False).get_concrete_function(**signature)


def _softmax(logits):
    """Returns the softmax of logits of 8 bits, itself in float."""
    largest = tf.reduce_max(logits, axis=-1, keepdims=True)
    scores = quantization.exact(tf.exp(logits - largest))
    return scores / tf.reduce_sum(scores, axis=-1, keepdims=True)


def _layers(model, names):
    """Returns the layers of the branches with these names."""
    layers = {m.name: m.layer for m in model.modules if m.kind == "branch"}
    if unknown := [name for name in names if name not in layers]:
        raise UserError(
            f"The network has no branch {', '.join(unknown)}; its branches are "
            f"{', '.join(layers)}. Name some of these."
        )
    return [layers[name] for name in names]


def batched(model, input_format, form: Form, by=execution.dispatched):
    """Traces a network for batches of any size.

    Args:
        model: `RoutedModel`.
        input_format: `InputFormat` of its images.
        form: `Form` of the routed variant.
        by: Execution (`tfdyn.layers.execution`). By default each branch runs on the
            rows of the batch that chose it.

    Returns:
        A concrete `tf.function` as that of `gated`, but its first input is `images`,
        `(batch, height, width, channels)`, and its outputs have `batch` rows.
    """
    signature = {"images": _images(None, input_format, form.preprocess)}
    if form.threshold_input:
        signature["threshold"] = tf.TensorSpec((), tf.float32, "threshold")

    def serve(images, threshold=form.threshold):
        images = input_format.normalize(images) if form.preprocess else images
        return _outputs(model, images, by, threshold)

    return tf.function(serve, autograph=False).get_concrete_function(**signature)


def _images(batch, input_format, preprocess):
    dtype = tf.uint8 if preprocess else tf.float32
    name = "images" if batch is None else "image"
    return tf.TensorSpec((batch, *input_format.shape), dtype, name)


def _outputs(model, images, by, threshold, weights=None, ungated=()):
    route = None if weights is None else model.route_spec.split(weights)
    with execution.scope(by):
        outputs = model(images, route=route, threshold=threshold, training=False)
    route = model.route_spec.flatten(outputs["route"])
    return {
        "logits": outputs["logits"],
        "probabilities": tf.nn.softmax(outputs["logits"]),
        "macs": _macs(model, route, weights is None, ungated),
        "route": route,
    }


def _macs(model, route, routers, ungated):
    # A conversion to a lower precision rounds float constants, but not these integers.
    fixed, costs = macs(model, routers, ungated)
    branches = tf.where(route != 0, costs, np.int64(0))
    return tf.cast(tf.reduce_sum(branches, axis=-1) + fixed, tf.float32)


def macs(model, routers: bool = True, ungated: tuple = ()) -> tuple[int, np.ndarray]:
    """Counts the multiply-accumulates of a network for one image.

    Args:
        model: `RoutedModel`.
        routers: Whether the routers run. With the route as an input they do not.
        ungated: Names of the branches that run for every image.

    Returns:
        The MACs of all that runs for every image, and an int64 array `(branches of all
        MixedOps,)` with the MACs of each branch behind a gate, and 0 for `ungated`.
    """
    cost = model.route_cost
    costs = model.route_spec.flatten(cost.branches)
    of_routers = [complexity.macs(m.layer) for m in model.modules if m.kind == "router"]
    names = [m.name for m in model.modules if m.kind == "branch"]
    always = np.isin(names, list(ungated))
    fixed = cost.fixed - (0 if routers else sum(of_routers)) + costs[always].sum()
    return int(fixed), np.where(always, 0, costs).astype("int64")

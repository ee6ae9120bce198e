"""Wrapping: makes a `Wrapped` of a Keras model, with the model's own weights."""

import keras

from tfdyn.families.wrapped.graph import Graph, read_graph
from tfdyn.families.wrapped.plan import plan
from tfdyn.families.wrapped.wrapped import Wrapped


def wrap(
    model: keras.Model,
    blocks: list[str] | None = None,
    exits: list[str] | int = (),
    exit_filters: int = 64,
    routers: str = "blocks",
    frozen: bool = True,
    **arguments,
) -> Wrapped:
    """Makes a trained Keras model dynamic: it skips what an image does not need.

    Finds the model's residual blocks, and puts a router in front of each. With T=1 the
    result computes what the model computes. Routers and exits must be trained: with
    `fit`, or with `python -m tfdyn.wrap`, which does all of this for a file.

    ```python
    model = tfdyn.wrap(keras.applications.MobileNetV2(), exits=2)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True))
    model.fit(images, labels)  # normalised as MobileNetV2 wants them
    ```

    Args:
        model: Functional or sequential `keras.Model`, built, whose one output is the
            logits or the softmax of classes. It is copied.
        blocks: Names of the residual blocks that may be skipped, as `tfdyn.describe`
            lists them; "all" (the default) or "none".
        exits: Names of the layers behind which an image may stop, or the number of
            exits, which then stand between a half and four fifths of the MACs.
        exit_filters: Number of filters of the convolutions of each exit's head; 0 for
            heads without convolutions.
        routers: "blocks": a router for each block. "image": one for all.
        frozen: Whether `fit` trains the routers and the exits alone. Otherwise it
            trains all weights.
        **arguments: Further arguments of `Wrapped`, such as `selection` and `units`.

    Raises:
        UserError: If the model cannot be wrapped, or has no such block.
    """
    graph = read_graph(model)
    wrapped = Wrapped(
        graph.input_shape,
        routers=routers,
        **plan(graph, blocks, exits, exit_filters),
        **arguments,
    )
    copy_weights(graph, wrapped)
    wrapped.train_original(not frozen)
    return wrapped


def copy_weights(graph: Graph, wrapped: Wrapped) -> None:
    """Copies the weights of a model into what was made of its graph.

    Args:
        graph: `Graph` of the model.
        wrapped: `Wrapped`, changed in place.
    """
    for sub_network in wrapped.sub_networks:
        for node, copy in zip(sub_network.nodes, sub_network.operations, strict=True):
            if isinstance(copy, keras.Layer) and copy.weights:
                copy.set_weights(graph.operations[node["name"]].get_weights())
                if hasattr(copy, "finalize_state"):  # Of preprocessing layers.
                    copy.finalize_state()

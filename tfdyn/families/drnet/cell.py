"""Cell: a graph of nodes that are connected by MixedOps (DRNet section 3.1)."""

import random

import keras
from keras import ops

from tfdyn.families.drnet.branches import make_branches
from tfdyn.families.drnet.router import Router
from tfdyn.layers import quantization, sharing
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn
from tfdyn.layers.mixed_op import MixedOp
from tfdyn.routing.route import select_mixed_ops


def draw_topology(num_nodes: int, inputs_per_node: int, seed: int) -> list[list[int]]:
    """Draws at random which nodes of a cell are connected (DRNet section 4.1).

    Nodes 0 and 1 are the cell's inputs. Each later node gets a connection from the
    node before it, then from cell inputs in random order. When there are no more cell
    inputs, it gets connections from earlier nodes in random order.

    Args:
        num_nodes: N, number of nodes without the two inputs.
        inputs_per_node: n, number of connections that end in a node. The first nodes
            have fewer if there are fewer nodes before them.
        seed: Seed of the draw.

    Returns:
        List with one list for each node from node 2 on: the indices of the nodes that
        it has a connection from, in ascending order.
    """
    draw = random.Random(seed)
    topology = []
    for node in range(2, 2 + num_nodes):
        inputs, earlier = list(range(min(2, node - 1))), list(range(2, node - 1))
        draw.shuffle(inputs)
        draw.shuffle(earlier)
        topology.append(sorted([node - 1, *inputs, *earlier][:inputs_per_node]))
    return topology


@keras.saving.register_keras_serializable("tfdyn")
class Preprocess(Chain):
    """Gives a cell's input the cell's number of channels: ReLU, 1x1 convolution, norm.

    Input: tensor `(batch, height, width, channels)`.
    Output: tensor `(batch, height / strides, width / strides, filters)`. The divisions
    round up.

    Args:
        filters: Integer, number of output channels.
        strides: Integer: 2 if the input is twice as high and wide as the cell's second
            input, else 1.
    """

    kind = "preprocess"

    def __init__(self, filters, strides=1, **kwargs):
        convolution = conv_bn(filters, strides=strides)
        super().__init__([keras.layers.ReLU(), *convolution], **kwargs)
        self.filters, self.strides = filters, strides

    def get_config(self):
        config = {"filters": self.filters, "strides": self.strides}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable("tfdyn")
class Cell(keras.layers.Layer):
    """Runs one cell of DRNet: preprocessing, router, and nodes connected by MixedOps.

    A node is the sum of the MixedOps that end in it. The output is all nodes but the
    two inputs, concatenated.

    Args:
        filters: Integer C, number of channels of each node.
        topology: List of lists of integers, from `draw_topology`.
        branches: List of names, the candidate branches of each connection.
        reduction: Boolean, whether connections from the cell's inputs have stride 2.
        previous_reduction: Boolean, whether the first input is twice as high and wide
            as the second.
        router: Boolean, whether the cell has a router. Without one, the logits are 0.
        normalized_router: Boolean, whether the router has batch norm (`Router`).
        belief_classes: Integer, number of classes of the router's beliefs; 0 for none.
        units: Integer, size of the router's hidden layer, if it has beliefs.

    Call arguments:
        inputs: Pair of tensors `(batch, height, width, channels)`, the outputs of the
            cell before the previous cell and of the previous cell.
        select: Function that turns logits `(batch, connections, branches)` into the
            pair `(route, weights)` of the same shape, such as a `BranchSelection`. It
            is needed if there is no `route`.
        route: Mapping from MixedOp names to weights `(batch, branches)`, which are used
            instead of the router's; `None` to use the router.

    Returns:
        The output `(batch, height, width, num_nodes * filters)`; the route, a mapping
        like `route`; and what the router computed, a mapping with `logits` and, if it
        has beliefs, `belief_logits` `(batch, classes)`, empty if no router ran. With
        `reduction`, height and width are halved.

    Raises:
        UserError: If a branch is unknown, or `route` lacks a MixedOp of the cell.
    """

    def __init__(
        self,
        filters,
        topology,
        branches,
        reduction=False,
        previous_reduction=False,
        router=True,
        normalized_router=False,
        belief_classes=0,
        units=32,
        **kwargs,
    ):
        # The layers cast their inputs themselves, so that routes stay in float32.
        super().__init__(**{"autocast": False, **kwargs})
        self.filters, self.topology, self.branches = filters, topology, list(branches)
        self.reduction, self.previous_reduction = reduction, previous_reduction
        self.preprocess = [
            Preprocess(filters, 2 if previous_reduction else 1, name="preprocess_0"),
            Preprocess(filters, name="preprocess_1"),
        ]
        self.connections = [
            (source, node)
            for node, sources in enumerate(topology, start=2)
            for source in sources
        ]
        self.mixed_ops = [
            MixedOp(
                make_branches(branches, filters, 2 if reduction and source < 2 else 1),
                name=f"{self.name}_node_{node}_from_{source}",
            )
            for source, node in self.connections
        ]
        self.router = None
        if router:
            self.router = Router(
                filters,
                len(self.mixed_ops),
                len(branches),
                normalized_router,
                belief_classes,
                units,
                name="router",
            )
        self.normalized_router = normalized_router
        self.belief_classes, self.units = belief_classes, units

    def build(self, input_shape):
        for layer, shape in zip(self.preprocess, input_shape, strict=True):
            layer.build(shape)
        shape = self.preprocess[1].compute_output_shape(input_shape[1])
        if self.router:
            self.router.build((*shape[:-1], 2 * self.filters))
        inner = self.mixed_ops[0].compute_output_shape(shape)
        for (source, _), mixed_op in zip(self.connections, self.mixed_ops, strict=True):
            mixed_op.build(shape if source < 2 else inner)

    def call(self, inputs, select=None, route=None):
        nodes = [
            layer(tensor) for layer, tensor in zip(self.preprocess, inputs, strict=True)
        ]
        routed = {}
        if route is None:
            routed = self._look(nodes) if self.router else {}
            logits = routed["logits"] if routed else self._zeros(nodes)
            route, weights = select(logits)
            route = self._by_name(route)
            weights = self._by_name(weights)
        else:
            weights = route = select_mixed_ops(route, self.mixed_ops)
        nodes += [None] * len(self.topology)
        with sharing.scope():
            for (source, node), op in zip(
                self.connections, self.mixed_ops, strict=True
            ):
                nodes[node] = op(nodes[source], weights[op.name], initial=nodes[node])
        # Tensors of 8 bits can only be concatenated if they have one scale.
        nodes = [quantization.point(node, self, "nodes") for node in nodes[2:]]
        outputs = ops.concatenate(nodes, axis=-1)
        return quantization.point(outputs, self, "nodes"), route, routed

    def _look(self, nodes):
        """Returns what the router computes, as a mapping."""
        outputs = self.router(ops.concatenate(nodes, axis=-1))
        if not self.belief_classes:
            return {"logits": outputs}
        return dict(zip(("logits", "belief_logits"), outputs, strict=True))

    def _zeros(self, nodes):
        batch = ops.shape(nodes[0])[0]
        return ops.zeros((batch, len(self.mixed_ops), len(self.branches)))

    def _by_name(self, weights):
        names = [op.name for op in self.mixed_ops]
        return dict(zip(names, ops.unstack(weights, axis=1), strict=True))

    def compute_output_shape(self, input_shape):
        shape = self.preprocess[1].compute_output_shape(input_shape[1])
        batch, height, width, _ = self.mixed_ops[0].compute_output_shape(shape)
        return (batch, height, width, len(self.topology) * self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "topology": self.topology,
            "branches": self.branches,
            "reduction": self.reduction,
            "previous_reduction": self.previous_reduction,
            "router": self.router is not None,
            "normalized_router": self.normalized_router,
            "belief_classes": self.belief_classes,
            "units": self.units,
        }

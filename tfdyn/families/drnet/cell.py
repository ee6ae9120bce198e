"""Cell: a graph of nodes whose connections are MixedOps (DRNet section 3.1)."""

import random

import keras
from keras import ops

from tfdyn.families.drnet.branches import make_branches
from tfdyn.families.drnet.router import Router
from tfdyn.layers import sharing
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn
from tfdyn.layers.mixed_op import MixedOp
from tfdyn.routing.route import select_mixed_ops


def draw_topology(num_nodes, inputs_per_node, seed):
    """Draws which previous nodes each node of a cell takes (DRNet section 4.1).

    Nodes 0 and 1 are the cell's inputs. Node i takes node i-1, then cell inputs
    drawn at random, then, with more than three inputs a node, earlier nodes. (Node
    2, whose predecessor is input 1, thus takes both inputs.)

    Returns:
        A list with, for each node from 2 on, the sorted list of its sources.
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
    """ReLU, 1x1 convolution and batch norm: brings a cell's input to its width.

    Args:
        filters: Output channels.
        strides: 2 where the input is twice as large as the cell's other one.
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
    """One cell of DRNet: preprocessing, router, and nodes that sum MixedOps.

    Args:
        filters: Width C.
        topology: Sources of each node, as from `draw_topology`.
        branches: Names of the candidate branches.
        reduction: Whether connections from the cell's inputs have stride 2.
        previous_reduction: Whether the cell before this one was such a cell.
        router: Whether the cell has a router; without one the logits are zeros.

    Call arguments:
        inputs: Pair of tensors `(batch, height, width, channels)`: the outputs of
            the cell before the previous one, and of the previous one.
        select: Function from logits `(batch, connections, branches)` to
            `(route, weights)` of that shape, as `BranchSelection`.
        route: Mapping from the names of `mixed_ops` to weights
            `(batch, branches)`: the router is bypassed. `None` to ask the router.

    Returns:
        Output `(batch, height, width, num_nodes * filters)` and route.
    """

    def __init__(
        self,
        filters,
        topology,
        branches,
        reduction=False,
        previous_reduction=False,
        router=True,
        **kwargs,
    ):
        # Its layers cast their inputs themselves: routes stay in float32.
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
                filters, len(self.mixed_ops), len(branches), name="router"
            )

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
        if route is None:
            route, weights = select(self._logits(nodes))
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
        return ops.concatenate(nodes[2:], axis=-1), route

    def _logits(self, nodes):
        if self.router:
            return self.router(ops.concatenate(nodes, axis=-1))
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
        }

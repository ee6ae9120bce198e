"""DRNet, Dynamic Routing Networks (Cai et al., WACV 2021), and ISBNet.

ISBNet (Cai et al., 2019) is an earlier version of the same network. Only its loss and
its training differ (`configs/isbnet_*.flags`).
"""

import itertools

import keras
from keras import ops

from tfdyn.families.drnet.arguments import check
from tfdyn.families.drnet.auxiliary_head import AuxiliaryHead
from tfdyn.families.drnet.branches import PAPER_BRANCHES
from tfdyn.families.drnet.cell import Cell, draw_topology
from tfdyn.families.drnet.selection import CALL_OPTIONS, BranchSelection
from tfdyn.families.drnet.stem import STEMS
from tfdyn.layers.heads import ClassifierHead
from tfdyn.models.routed_model import RoutedModel
from tfdyn.models.sizes import image_shape


@keras.saving.register_keras_serializable("tfdyn")
class DRNet(RoutedModel):
    """Classifies images with cells that choose their branches (DRNet section 3).

    A router in each cell decides, for each image, which branches of each connection
    run.

    ```python
    model = DRNet((32, 32, 3), num_classes=10, num_cells=5, filters=15)
    outputs = model(images)                     # logits, and the route of each image
    outputs = model(images, threshold=1.0)      # all branches
    outputs = model(images, route=my_route)     # routers bypassed
    ```

    Args:
        input_shape: Three integers: height, width (in pixels) and channels of the
            images, which must be square.
        num_classes: Integer, number of classes.
        num_cells: Integer L, number of cells.
        filters: Integer C, number of channels of each node, before cells L//3 and 2L//3
            (counted from 0) double it and halve height and width.
        num_nodes: Integer N, number of nodes of a cell, without its two inputs.
        inputs_per_node: Integer n, number of connections that end in a node.
        branches: List of names, the candidate branches of each connection: keys of
            `tfdyn.families.drnet.branches.BRANCHES`. A name may occur repeatedly.
        topology_seed: Integer, seed of the connections, the same in all cells.
        stem: String. "small"; "halved", which halves height and width; or "imagenet"
            for images of 224x224 pixels.
        selection: String. "gumbel_softmax": with Gumbel noise in training. "softmax":
            without noise. "none": no routers, all branches run at any T.
        threshold: T in (0, 1], a float or a list with one float for each connection.
            The fewest branches run whose weights sum to at least T.
        temperature: Float above 0, initial temperature of the softmax.
        seed: Integer, seed of the Gumbel noise and of what training drops; `None` for
            a random seed.
        auxiliary_head: Boolean, whether there is an auxiliary head, in training only.
        normalized_routers: Boolean, whether the routers have batch norm before their
            decision. The papers' have none there.
        beliefs: Boolean, whether each router reads how sure the network already is of
            the class (`tfdyn.layers.beliefs`). The papers have no such thing.
        units: Integer, size of the hidden layer of routers with `beliefs`.

    The call is that of `RoutedModel`. In training, with `auxiliary_head`, its result
    also has `auxiliary_logits`, a tensor `(batch, num_classes)`; with routers,
    `choice_probabilities`, a tensor `(batch, MixedOps, branches)`, what
    they chose without noise; with `beliefs`, `belief_logits` `(batch, cells,
    num_classes)`. There are two more arguments of the call, because DRNet's eq. 4
    makes no exception for inference: `noise`, whether there is Gumbel noise (default:
    in training alone), and `temperature`, a float above 0 that replaces the
    temperature of the training.

    Raises:
        UserError: If an argument has a wrong value.
    """

    training_heads = ("auxiliary_head",)
    at_least_1 = (
        "num_classes",
        "num_cells",
        "filters",
        "num_nodes",
        "inputs_per_node",
        "units",
    )
    at_most = {
        "units": 4096,
        "num_cells": 200,
        "filters": 4096,
        "num_nodes": 32,
        "inputs_per_node": 33,
    }

    def __init__(
        self,
        input_shape,
        num_classes,
        num_cells=5,
        filters=15,
        num_nodes=4,
        inputs_per_node=2,
        branches=PAPER_BRANCHES,
        topology_seed=0,
        stem="small",
        selection="gumbel_softmax",
        threshold=0.8,
        temperature=3.0,
        seed=None,
        auxiliary_head=True,
        normalized_routers=False,
        beliefs=False,
        units=32,
        name="drnet",
        **kwargs,
    ):
        arguments = {
            "input_shape": image_shape(input_shape),
            "num_classes": num_classes,
            "num_cells": num_cells,
            "filters": filters,
            "num_nodes": num_nodes,
            "inputs_per_node": inputs_per_node,
            "branches": list(branches),
            "topology_seed": topology_seed,
            "stem": stem,
            "selection": selection,
            "temperature": temperature,
            "seed": seed,
            "auxiliary_head": auxiliary_head,
            "normalized_routers": normalized_routers,
            "beliefs": beliefs,
            "units": units,
        }
        super().__init__(arguments, threshold=threshold, name=name, **kwargs)
        check(arguments)
        self.selection = BranchSelection(selection, temperature, seed, name="selection")
        self.selection.build()
        self.stem = STEMS[stem](filters)
        batch_shape = (None, *input_shape)
        self.stem.build(batch_shape)
        shapes = self.stem.compute_output_shape(batch_shape)
        topology = draw_topology(num_nodes, inputs_per_node, topology_seed)
        reductions = (num_cells // 3, 2 * num_cells // 3)
        self._auxiliary_cell = reductions[1] if auxiliary_head else None
        self.auxiliary_head = None
        self.cells = []
        for index in range(num_cells):
            reduction = index in reductions
            filters = 2 * filters if reduction else filters
            cell = Cell(
                filters,
                topology,
                branches,
                reduction=reduction,
                previous_reduction=shapes[0][1] != shapes[1][1],
                router=selection != "none",
                normalized_router=normalized_routers,
                belief_classes=num_classes if beliefs else 0,
                units=units,
                name=f"cell_{index}",
            )
            cell.build(shapes)
            self.cells.append(cell)
            shapes = (shapes[1], cell.compute_output_shape(shapes))
            if index == self._auxiliary_cell:
                self.auxiliary_head = AuxiliaryHead(
                    shapes[1][1], num_classes, name="auxiliary_head"
                )
                self.auxiliary_head.build(shapes[1])
        self.head = ClassifierHead(num_classes, name="head")
        self.head.build(shapes[1])
        self.finish()

    @property
    def call_options(self):
        return CALL_OPTIONS[self.arguments["selection"]]

    @property
    def mixed_ops(self):
        """List of the MixedOps of all cells, in the order of a list of thresholds."""
        return [mixed_op for cell in self.cells for mixed_op in cell.mixed_ops]

    @property
    def parts(self):
        """List of lists: the MixedOps of each cell."""
        return [cell.mixed_ops for cell in self.cells]

    def begin(self, images):
        return self.stem(images)

    def look(self, state):
        return ops.relu(state[1])

    def advance(self, state, index, weights):
        outputs, *_ = self.cells[index](state, route=weights)
        return (state[1], outputs)

    def end(self, state):
        return self.head(state[1])

    def call(
        self,
        images,
        route=None,
        threshold=None,
        training=False,
        noise=None,
        temperature=None,
    ):
        thresholds = self._by_cell(self.thresholds(threshold))
        inputs, routes, looks, auxiliary_logits = self.stem(images), {}, [], None
        for index, cell in enumerate(self.cells):

            def select(logits, threshold=thresholds[index]):
                return self.selection(
                    logits,
                    threshold,
                    training=training,
                    noise=noise,
                    temperature=temperature,
                )

            outputs, cell_route, look = cell(inputs, select=select, route=route)
            routes.update(cell_route)
            looks += [look] if look else []
            inputs = (inputs[1], outputs)
            if training and index == self._auxiliary_cell:
                auxiliary_logits = self.auxiliary_head(outputs)
        result = {"logits": self.head(outputs), "route": routes}
        if auxiliary_logits is not None:
            result["auxiliary_logits"] = auxiliary_logits
        if training and looks:
            result |= self._choices(looks)
        return result

    def _choices(self, looks):
        """Returns the outputs that a loss reads of what the routers computed."""
        logits = ops.concatenate([look["logits"] for look in looks], axis=1)
        result = {"choice_probabilities": self.selection.probabilities(logits)}
        if self.arguments["beliefs"]:
            beliefs = [look["belief_logits"] for look in looks]
            result["belief_logits"] = ops.stack(beliefs, axis=1)
        return result

    def _by_cell(self, thresholds):
        sizes = [len(cell.mixed_ops) for cell in self.cells]
        ends = itertools.accumulate(sizes)
        return [
            thresholds[end - size : end] for size, end in zip(sizes, ends, strict=True)
        ]

"""DRNet, Dynamic Routing Networks (Cai et al., WACV 2021), and ISBNet.

ISBNet (Cai et al., 2019) is the first form of the same network: it differs in its
loss and training alone (`configs/isbnet_*.flags`).
"""

import itertools

import keras

from tfdyn.errors import UserError
from tfdyn.families.drnet.auxiliary_head import AuxiliaryHead
from tfdyn.families.drnet.branches import BRANCHES
from tfdyn.families.drnet.cell import Cell, draw_topology
from tfdyn.families.drnet.selection import BranchSelection
from tfdyn.families.drnet.stem import ImageNetStem, Stem
from tfdyn.layers.heads import ClassifierHead
from tfdyn.models.routed_model import RoutedModel

STEMS = ("small", "imagenet")


@keras.saving.register_keras_serializable("tfdyn")
class DRNet(RoutedModel):
    """A stack of cells whose connections are routed (DRNet section 3).

    ```python
    model = DRNet((32, 32, 3), num_classes=10, num_cells=5, filters=15)
    outputs = model(images)                     # logits, and the route of each image
    outputs = model(images, threshold=1.0)      # all branches
    outputs = model(images, route=my_route)     # routers bypassed
    ```

    Args:
        input_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        num_cells: L.
        filters: C, the width of the first cell; it doubles at cells L//3 and 2L//3,
            where connections from the cell's inputs have stride 2.
        num_nodes: N, nodes of a cell beside its inputs.
        inputs_per_node: n, connections into each node.
        branches: Names of candidate branches
            (`tfdyn.families.drnet.branches.BRANCHES`).
        topology_seed: Seed of the connections, which all cells share.
        stem: "small", or "imagenet" for 224x224.
        selection: "gumbel_softmax", "softmax" or "none" (no routers).
        threshold: T in (0, 1], a number or a list with one a connection.
        temperature: Initial temperature of the selection.
        seed: Seed of Gumbel noise and drops.
        auxiliary_head: Whether there is an auxiliary head, for training alone.

    Call arguments and result are those of `RoutedModel`; in training the result has
    the `auxiliary_logits` of that head too.
    """

    training_heads = ("auxiliary_head",)
    at_least_1 = (
        "num_classes",
        "num_cells",
        "filters",
        "num_nodes",
        "inputs_per_node",
    )

    def __init__(
        self,
        input_shape,
        num_classes,
        num_cells=5,
        filters=15,
        num_nodes=4,
        inputs_per_node=2,
        branches=tuple(BRANCHES),
        topology_seed=0,
        stem="small",
        selection="gumbel_softmax",
        threshold=0.8,
        temperature=3.0,
        seed=None,
        auxiliary_head=True,
        name="drnet",
        **kwargs,
    ):
        arguments = {
            "input_shape": list(input_shape),
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
        }
        _check(arguments)
        super().__init__(arguments, threshold=threshold, name=name, **kwargs)
        self.selection = BranchSelection(selection, temperature, seed, name="selection")
        self.selection.build()
        if stem == "small":
            self.stem = Stem(3 * filters, name="stem")
        else:
            self.stem = ImageNetStem(filters, name="stem")
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
    def mixed_ops(self):
        """All MixedOps, in the order in which thresholds are given."""
        return [mixed_op for cell in self.cells for mixed_op in cell.mixed_ops]

    def call(self, images, route=None, threshold=None, training=False):
        thresholds = self._by_cell(self.thresholds(threshold))
        inputs, routes, auxiliary_logits = self.stem(images), {}, None
        for index, cell in enumerate(self.cells):

            def select(logits, threshold=thresholds[index]):
                return self.selection(logits, threshold, training=training)

            outputs, cell_route = cell(inputs, select=select, route=route)
            routes.update(cell_route)
            inputs = (inputs[1], outputs)
            if training and index == self._auxiliary_cell:
                auxiliary_logits = self.auxiliary_head(outputs)
        result = {"logits": self.head(outputs), "route": routes}
        if auxiliary_logits is not None:
            result["auxiliary_logits"] = auxiliary_logits
        return result

    def _by_cell(self, thresholds):
        sizes = [len(cell.mixed_ops) for cell in self.cells]
        ends = itertools.accumulate(sizes)
        return [
            thresholds[end - size : end] for size, end in zip(sizes, ends, strict=True)
        ]


def _check(arguments):
    height, width, _ = arguments["input_shape"]
    if height != width:
        raise UserError(f"Images must be square; got {height}x{width}.")
    if arguments["stem"] not in STEMS:
        raise UserError(
            f"The stem is one of {', '.join(STEMS)}; got {arguments['stem']!r}."
        )

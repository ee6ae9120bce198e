"""PlainDRNet: DRNet written in the obvious way, to compare tfdyn's with it."""

import keras
from keras import ops

from tfdyn.families.drnet.branches import SkipConnection
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.layers.batch_normalization import BatchNormalization
from tfdyn.layers.chain import Chain


@keras.saving.register_keras_serializable("tfdyn")
class PlainDRNet(DRNet):
    """A DRNet that runs one branch after another, in the layers of Keras.

    Branches share no work, and no operations are fused. The model has the same weights
    as `DRNet` and returns the same results. It can only be trained, not evaluated, and
    only with the small stem.
    """

    def call(self, images, route=None, threshold=None, training=True):
        outputs = _run(self.stem.convolution, images)
        inputs, routes, auxiliary_logits = (outputs, outputs), {}, None
        for index, cell in enumerate(self.cells):
            outputs, cell_route = self._cell(cell, inputs)
            routes.update(cell_route)
            inputs = (inputs[1], outputs)
            if index == self._auxiliary_cell:
                auxiliary_logits = _run(self.auxiliary_head, outputs)
        return {
            "logits": _run(self.head, outputs),
            "route": routes,
            "auxiliary_logits": auxiliary_logits,
        }

    def _cell(self, cell, inputs):
        nodes = [
            _run(layer, tensor)
            for layer, tensor in zip(cell.preprocess, inputs, strict=True)
        ]
        logits = _run(cell.router, ops.concatenate(nodes, axis=-1))
        route, weights = self.selection(logits, training=True)
        nodes += [None] * len(cell.topology)
        for index, (source, node) in enumerate(cell.connections):
            for number, branch in enumerate(cell.mixed_ops[index].branches):
                weight = weights[:, index, number][:, None, None, None]
                term = weight * _run(branch, nodes[source])
                nodes[node] = term if nodes[node] is None else nodes[node] + term
        names = [mixed_op.name for mixed_op in cell.mixed_ops]
        routes = {name: route[:, index] for index, name in enumerate(names)}
        return ops.concatenate(nodes[2:], axis=-1), routes

    def compile(
        self, optimizer: keras.optimizers.Optimizer, loss, l2: float = 0.0
    ) -> None:
        """Compiles the model, with an L2 regularizer on each weight.

        Args:
            optimizer: Keras optimizer.
            loss: Loss of the model's outputs.
            l2: Weight decay. Each regularizer adds half of it times the sum of the
                squared weights to the loss.
        """
        for weight in self.trainable_weights:
            weight.regularizer = keras.regularizers.L2(l2 / 2) if l2 else None
        super().compile(optimizer, loss)


def _run(layer, inputs):
    """Runs a layer of tfdyn without what makes it faster than the layers of Keras."""
    if isinstance(layer, Chain):
        for step in layer.chain:
            inputs = _run(step, inputs)
        return inputs
    if isinstance(layer, BatchNormalization):
        return keras.layers.BatchNormalization.call(layer, inputs, training=True)
    if isinstance(layer, SkipConnection):
        return inputs[:, :: layer.strides, :: layer.strides, :]
    return layer(inputs)

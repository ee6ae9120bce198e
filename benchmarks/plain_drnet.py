"""PlainDRNet: DRNet as one would write it at first, to be measured against."""

import keras
from keras import ops

from tfdyn.families.drnet.branches import SkipConnection
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.layers.batch_normalization import BatchNormalization
from tfdyn.layers.chain import Chain


@keras.saving.register_keras_serializable("tfdyn")
class PlainDRNet(DRNet):
    """One branch after another, by Keras's own layers; nothing is shared or fused.

    Weights and results are those of DRNet (with the small stem), in training alone.
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

    def compile(self, optimizer, loss, l2=0.0):
        """Compiles with L2 regularizers on all weights."""
        for weight in self.trainable_weights:
            weight.regularizer = keras.regularizers.L2(l2 / 2) if l2 else None
        super().compile(optimizer, loss)


def _run(layer, inputs):
    if isinstance(layer, Chain):
        for each in layer.chain:
            inputs = _run(each, inputs)
        return inputs
    if isinstance(layer, BatchNormalization):
        return keras.layers.BatchNormalization.call(layer, inputs, training=True)
    if isinstance(layer, SkipConnection):
        return inputs[:, :: layer.strides, :: layer.strides, :]
    return layer(inputs)

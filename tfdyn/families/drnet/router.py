"""Router: decides which branches of a cell run."""

import keras
from keras import layers, ops

from tfdyn.layers.batch_normalization import BatchNormalization
from tfdyn.layers.beliefs import Beliefs
from tfdyn.layers.chain import Chain, build_layer
from tfdyn.layers.convolutions import conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class Router(Chain):
    """Computes a logit for each branch of each connection of a cell.

    It is DRNet's RouterNet (section 3.2, eq. 3) and ISBNet's SelectionNet. The layers
    are, twice: 1x1 convolution, 5x5 depthwise convolution of stride 2, batch norm and
    ReLU; then global average pooling and a dense layer. The papers do not publish the
    numbers of channels. With `filters` and `4 * filters` the networks have the
    published sizes.

    Input: tensor `(batch, height, width, 2 * filters)`, the cell's two preprocessed
    inputs, concatenated.
    Output: logits `(batch, connections, branches)`, float32. With `classes`, a pair of
    them and of the logits `(batch, classes)` of what the network believes.

    Args:
        filters: Integer C, number of channels of each node of the cell.
        connections: Integer, number of connections of the cell.
        branches: Integer, number of branches of each connection.
        normalized: Boolean, whether batch norm follows the pooling. Then the logits of
            different images differ even if their pooled features are nearly the same.
            The papers have none there.
        classes: Integer, number of classes for `Beliefs` about the cell's inputs. A
            hidden layer reads their certainty beside the pooled features. 0 for none,
            as in the papers.
        units: Integer, size of this hidden layer.
    """

    kind = "router"
    added_arguments = {"normalized": False, "classes": 0, "units": 32}

    def __init__(
        self,
        filters,
        connections,
        branches,
        normalized=False,
        classes=0,
        units=32,
        **kwargs,
    ):
        chain = []
        for width in (filters, 4 * filters):
            convolution, norm = conv_bn(width)
            chain += [convolution, depthwise(5, strides=2), norm, layers.ReLU()]
        chain.append(layers.GlobalAveragePooling2D(data_format="channels_last"))
        if normalized:
            chain.append(BatchNormalization(momentum=0.9, dtype="float32"))
        chain += [
            layers.Dense(connections * branches, dtype="float32"),
            layers.Reshape((connections, branches), dtype="float32"),
        ]
        super().__init__(chain, **kwargs)
        self.filters, self.connections, self.branches = filters, connections, branches
        self.normalized, self.units = normalized, units
        self.beliefs = None
        if classes:
            self.activate = layers.ReLU()
            self.pool = layers.GlobalAveragePooling2D(data_format="channels_last")
            self.beliefs = Beliefs(classes)
            self.hidden = layers.Dense(units, "relu", dtype="float32")

    def build(self, input_shape):
        if not self.beliefs:
            super().build(input_shape)
            return
        pooled = build_layer(self.pool, input_shape)
        _, (_, certainty) = build_layer(self.beliefs, pooled)
        shape = input_shape
        *look, dense, split = self.chain
        for layer in look:
            shape = build_layer(layer, shape)
        shape = build_layer(self.hidden, (None, shape[-1] + certainty))
        split.build(build_layer(dense, shape))

    def call(self, inputs):
        if not self.beliefs:
            return super().call(inputs)
        *look, dense, split = self.chain
        features = inputs
        for layer in look:
            features = layer(features)
        belief_logits, certainty = self.beliefs(self.pool(self.activate(inputs)))
        features = ops.concatenate([ops.cast(features, "float32"), certainty], axis=-1)
        return split(dense(self.hidden(features))), belief_logits

    def compute_output_shape(self, input_shape):
        shape = (input_shape[0], self.connections, self.branches)
        if not self.beliefs:
            return shape
        return shape, (input_shape[0], self.beliefs.num_classes)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "connections": self.connections,
            "branches": self.branches,
            "normalized": self.normalized,
            "classes": self.beliefs.num_classes if self.beliefs else 0,
            "units": self.units,
        }

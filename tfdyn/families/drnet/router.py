"""Router: decides which branches of a cell run."""

import keras
from keras import layers

from tfdyn.layers.chain import Chain
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
    Output: logits `(batch, connections, branches)`, float32.

    Args:
        filters: Integer C, number of channels of each node of the cell.
        connections: Integer, number of connections of the cell.
        branches: Integer, number of branches of each connection.
    """

    kind = "router"

    def __init__(self, filters, connections, branches, **kwargs):
        chain = []
        for width in (filters, 4 * filters):
            convolution, norm = conv_bn(width)
            chain += [convolution, depthwise(5, strides=2), norm, layers.ReLU()]
        chain += [
            layers.GlobalAveragePooling2D(data_format="channels_last"),
            layers.Dense(connections * branches, dtype="float32"),
            layers.Reshape((connections, branches), dtype="float32"),
        ]
        super().__init__(chain, **kwargs)
        self.filters, self.connections, self.branches = filters, connections, branches

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "connections": self.connections,
            "branches": self.branches,
        }

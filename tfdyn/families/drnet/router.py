"""Router: the hypernetwork that weighs the branches of a cell (RouterNet)."""

import keras
from keras import layers

from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn, depthwise


@keras.saving.register_keras_serializable("tfdyn")
class Router(Chain):
    """RouterNet (DRNet section 3.2, eq. 3), the SelectionNet of ISBNet.

    Two blocks of a pointwise and a 5x5 depthwise convolution of stride 2, global
    average pooling and a dense layer. The papers leave the widths open: `filters`
    and 4 times as many meet the published sizes.

    Args:
        filters: Width C of the cell.
        connections: Connections of the cell.
        branches: Branches of each connection.

    Input `(batch, height, width, 2 * filters)`, the cell's two preprocessed
    inputs side by side; output logits `(batch, connections, branches)`, float32.
    """

    kind = "router"

    def __init__(self, filters, connections, branches, **kwargs):
        chain = []
        for width in (filters, 4 * filters):
            convolution, norm = conv_bn(width)
            chain += [convolution, depthwise(5, strides=2), norm, layers.ReLU()]
        chain += [
            layers.GlobalAveragePooling2D(),
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

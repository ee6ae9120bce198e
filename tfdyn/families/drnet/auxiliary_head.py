"""The auxiliary head of DRNet: a second classifier, for the training only."""

import keras
from keras import layers

from tfdyn.errors import UserError
from tfdyn.layers.chain import Chain
from tfdyn.layers.convolutions import conv_bn


@keras.saving.register_keras_serializable("tfdyn")
class AuxiliaryHead(Chain):
    """The auxiliary classifier of DARTS, which exists during training only.

    Its layers are ReLU, average pooling to 2x2, a 1x1 convolution to 128 channels, a
    2x2 convolution to 768 channels and a dense layer. Batch norm and ReLU follow each
    convolution. The windows of the pooling are 5x5 as in DARTS, or smaller if the input
    is smaller than 6x6.

    Input: tensor `(batch, side, side, channels)`.
    Output: logits `(batch, num_classes)`, float32.

    Args:
        side: Integer, height and width of the input in pixels, at least 2.
        num_classes: Integer, number of classes.

    Raises:
        UserError: If `side` is less than 2.
    """

    def __init__(self, side, num_classes, **kwargs):
        if side < 2:
            raise UserError(
                f"The auxiliary head needs an input of at least 2x2; got "
                f"{side}x{side}. Use larger images, or leave the head out."
            )
        pool_size = min(5, side - 1)
        last = layers.Conv2D(
            768,
            2,
            use_bias=False,
            kernel_initializer="he_normal",
            padding="valid",
            data_format="channels_last",
        )
        _, norm = conv_bn(768)
        chain = [
            layers.ReLU(),
            layers.AveragePooling2D(
                pool_size, side - pool_size, data_format="channels_last"
            ),
            *conv_bn(128),
            layers.ReLU(),
            last,
            norm,
            layers.ReLU(),
            layers.GlobalAveragePooling2D(data_format="channels_last"),
            layers.Dense(num_classes, dtype="float32"),
        ]
        super().__init__(chain, **kwargs)
        self.side, self.num_classes = side, num_classes

    def get_config(self):
        config = {"side": self.side, "num_classes": self.num_classes}
        return {**super().get_config(), **config}

"""WrappedSettings: the settings that only a user's own model has."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class WrappedSettings:
    """Settings of a Keras model that is made dynamic."""

    model: str | None = setting(
        None,
        "Wrapped: .keras file of the trained Keras model that is made dynamic: "
        "functional or sequential, with one image as its input and logits or a softmax "
        "as its output.",
    )
    preprocessing: str = setting(
        "dataset",
        "Wrapped: how the model wants its pixels. dataset: as tfdyn normalises the "
        "data set. unit: from 0 to 1. tf: from -1 to 1 (MobileNetV2, ResNetV2). torch: "
        "less ImageNet's mean, divided by its standard deviation (DenseNet). caffe: "
        "blue, green, red, less the mean (ResNet). none: from 0 to 255 (MobileNetV3, "
        "EfficientNet, ConvNeXt). The names are Keras's.",
        choices=("dataset", "unit", "tf", "torch", "caffe", "none"),
    )
    blocks: tuple = setting(
        ("all",),
        "Wrapped: residual blocks that may be skipped: all, none, or their names, as "
        "`python -m tfdyn.wrap --describe` lists them.",
    )
    exits: tuple = setting(
        (),
        "Wrapped: names of the layers behind which an image may stop, or the number of "
        "exits, which then stand between a half and four fifths of the MACs.",
    )
    exit_filters: int = setting(
        64,
        "Wrapped: filters of the convolutions of each exit's head. 0: heads have "
        "no convolutions.",
        within="from 0 to 4096",
    )
    routers: str = setting(
        "blocks",
        "Wrapped: blocks: a router in front of each residual block. image: one router "
        "decides for all blocks. --selection=none: no routers, exits only.",
        choices=("blocks", "image"),
    )
    distil: float = setting(
        0.5,
        "Wrapped: share of the labels that the original model teaches.",
        within="from 0 to 1",
    )

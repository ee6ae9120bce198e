"""Sizes of DMNN and its static twins: the stages of ResNet and MobileNetV2."""

# Channels after each stage, stride of its first block (He et al., 2016, table 1).
RESNET = ((256, 1), (512, 2), (1024, 2), (2048, 2))

# Width of a sub-block by stage. One is ResNet itself. DMNN leaves the others to a
# supplement that is not public: four are 24 times a power of two (25.82 M parameters,
# published 25.81); two and three are multiples of 4 near powers of two times 38.5 and
# 29.7 that meet the published sizes of DMNN-50 and DMNN-101.
WIDTHS = {
    1: (64, 128, 256, 512),
    2: (40, 76, 152, 308),
    3: (28, 64, 120, 236),
    4: (24, 48, 96, 192),
}

# Expansion, channels, blocks, stride (Sandler et al., 2018, table 2).
MOBILENETV2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def resnet(blocks, sub_blocks=1, stem="resnet"):
    """Returns the arguments of a DMNN of bottlenecks; static if of one sub-block.

    Args:
        blocks: Number of blocks of each stage.
        sub_blocks: N, one of `WIDTHS`.
        stem: "resnet" for ImageNet, "resnet_cifar" for 32x32.
    """
    stages = [
        (filters, width, count, strides)
        for (filters, strides), width, count in zip(
            RESNET, WIDTHS[sub_blocks], blocks, strict=True
        )
    ]
    return {"stages": stages, "sub_blocks": sub_blocks, "stem": stem} | _static(
        sub_blocks
    )


def backbone(pixels):
    """Returns the stages of MobileNetV2 for images of a side, as `MOBILENETV2`.

    At 32 pixels the stage of 24 channels does not halve the map, nor does the stem
    below 224 (the code of InstaNAS).

    Args:
        pixels: 32, 64 or 224.
    """
    return [
        (expansion, filters, blocks, 1 if (pixels, filters) == (32, 24) else strides)
        for expansion, filters, blocks, strides in MOBILENETV2
    ]


def mobilenetv2(multiplier=1.0, sub_blocks=1, pixels=224):
    """Returns the arguments of a DMNN of inverted residuals; static if of one.

    Each sub-block has the expansion E/N (DMNN section 3.1). MobileNetV2's blocks that
    change their input's shape have no shortcut; in DMNN they have a 1x1 convolution,
    with which the sizes are those published.

    Args:
        multiplier: Width multiplier.
        sub_blocks: N.
        pixels: Side of the images that it is for, as for `backbone`.
    """
    stages = [
        (_channels(filters * multiplier), expansion / sub_blocks, blocks, strides)
        for expansion, filters, blocks, strides in backbone(pixels)
    ]
    return {
        "sub_block": "inverted_residual",
        "stages": stages,
        "sub_blocks": sub_blocks,
        "stem": "mobilenet" if pixels == 224 else "small",
        "stem_filters": _channels(32 * multiplier),
        "head_filters": _channels(1280 * max(1.0, multiplier)),
        "projection": sub_blocks > 1,
    } | _static(sub_blocks)


def _static(sub_blocks):
    return {"selection": "none"} if sub_blocks == 1 else {}


def _channels(number):
    """Rounds to a multiple of 8, not below 90 %, as MobileNetV2's code does."""
    rounded = max(8, int(number + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * number else rounded


# Blocks of each stage (He et al., 2016, table 1).
RESNET_50, RESNET_101 = (3, 4, 6, 3), (3, 4, 23, 3)
SMALL = {"stem": "small", "stem_filters": 16}
# Maps of half the side have more MACs a value, so that copies at gates weigh less.
HALVED = {"stem": "mobilenet", "stem_filters": 32}

# dmnn_*: DMNN tables 1 to 3, with the static networks that these tables compare with.
# mobilenetv2_*_cifar10: the static networks of InstaNAS's tables 1 and 2. xs (CIFAR-10
# on two CPU cores) and tiny (tests) are ours.
SIZES = {
    "dmnn_tiny": {**SMALL, "stages": [(16, 4, 2, 1), (32, 8, 2, 2)]},
    "dmnn_xs": {**HALVED, "stages": [(128, 40, 2, 1), (256, 80, 2, 2)]},
    "dmnn_50_n2": resnet(RESNET_50, 2),
    "dmnn_50_n3": resnet(RESNET_50, 3),
    "dmnn_50_n4": resnet(RESNET_50, 4),
    "dmnn_101_n2": resnet(RESNET_101, 2),
    "dmnn_mobilenetv2": mobilenetv2(1.0, 2),
    "dmnn_mobilenetv2_1.4": mobilenetv2(1.4, 2),
    "dmnn_50_cifar100": resnet(RESNET_50, 4, "resnet_cifar"),
    "dmnn_50_n2_cifar100": resnet(RESNET_50, 2, "resnet_cifar"),
    # As many MACs as dmnn_xs, within 2 %.
    "resnet_xs": {
        **HALVED,
        "stages": [(128, 61, 2, 1), (256, 122, 2, 2)],
        "sub_blocks": 1,
        "selection": "none",
    },
    "resnet_50": resnet(RESNET_50),
    "resnet_101": resnet(RESNET_101),
    "resnet_50_cifar100": resnet(RESNET_50, 1, "resnet_cifar"),
    "mobilenetv2": mobilenetv2(1.0),
    "mobilenetv2_1.4": mobilenetv2(1.4),
    "mobilenetv2_0.4_cifar10": mobilenetv2(0.4, pixels=32),
    "mobilenetv2_cifar10": mobilenetv2(1.0, pixels=32),
    "mobilenetv2_1.4_cifar10": mobilenetv2(1.4, pixels=32),
}

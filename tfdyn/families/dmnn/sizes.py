"""Sizes of DMNN and of its static twins, from the stages of ResNet and MobileNetV2."""

import math
from collections.abc import Mapping
from typing import Any

from tfdyn.models.backbones import RESNET, RESNET_50, RESNET_101, mobilenetv2_stages

# Number of sub-blocks: the width of a sub-block in each stage. One sub-block is ResNet
# itself. DMNN's supplement with the other widths is not public. Those here give the
# networks about as many parameters as published. With four sub-blocks they are 24 times
# a power of two; with two and three, multiples of 4 near 38.5 and 29.7 times one. For
# other numbers of sub-blocks, `equal_width` has the paper's rule.
WIDTHS = {
    1: (64, 128, 256, 512),
    2: (40, 76, 152, 308),
    3: (28, 64, 120, 236),
    4: (24, 48, 96, 192),
}


def equal_width(filters: int, width: int, before: int, after: int) -> int:
    """Returns the width of sub-blocks of which a block has another number.

    The parameters of a block stay the same, as far as whole numbers allow (DMNN section
    3.1, eq. 1 = eq. 2). A block whose input has as many channels as its output has
    `N * (2 * filters * width + 9 * width ** 2)` parameters in its N sub-blocks. All but
    the first of a stage are such blocks.

    Args:
        filters: Number of channels of the block's output.
        width: Number of channels inside each of its sub-blocks now.
        before: Number of sub-blocks now.
        after: Number of sub-blocks that it shall have.
    """
    parameters = before * (2 * filters * width + 9 * width**2) / after
    root = math.sqrt(filters**2 + 9 * parameters)
    return max(1, round((root - filters) / 9))


def divide(size: Mapping[str, Any], sub_blocks: int) -> dict[str, Any]:
    """Returns the arguments of a network with another number of sub-blocks in a block.

    Inverted residuals keep E, the sum of the expansions of a block's N sub-blocks: each
    has E/N. Bottlenecks keep their parameters: ResNets with up to four sub-blocks have
    the widths of `WIDTHS`, all others those of `equal_width`.

    Args:
        size: Arguments of `tfdyn.families.dmnn.dmnn.DMNN`.
        sub_blocks: Number of sub-blocks of a block. With 1 and routers, a block runs
            whole or not at all: these are the blocks of ConvNet-AIG, with which the
            paper compares DMNN (table 1).
    """
    before = size.get("sub_blocks", 2)
    widths = tuple(width for _, width, _, _ in size["stages"])
    filters = [filters for filters, _, _, _ in size["stages"]]
    if sub_blocks != before and size.get("sub_block") == "inverted_residual":
        widths = [width * before / sub_blocks for width in widths]
    elif sub_blocks != before:
        if widths == WIDTHS.get(before):
            before, widths = 1, WIDTHS[1]
        widths = [
            equal_width(*pair, before, sub_blocks)
            for pair in zip(filters, widths, strict=True)
        ]
        if before == 1:
            widths = WIDTHS.get(sub_blocks, widths)
    stages = [
        (filters, width, blocks, strides)
        for (filters, _, blocks, strides), width in zip(
            size["stages"], widths, strict=True
        )
    ]
    return {**size, "stages": stages, "sub_blocks": sub_blocks}


def resnet(
    blocks: tuple[int, ...], sub_blocks: int = 1, stem: str = "resnet"
) -> dict[str, Any]:
    """Returns the arguments of a DMNN of bottlenecks, the blocks of ResNet.

    Args:
        blocks: Number of blocks of each of the four stages.
        sub_blocks: Number of sub-blocks of a block, a key of `WIDTHS`. With 1 the
            network is static: it has no routers.
        stem: "resnet" for ImageNet, "resnet_cifar" for images of 32x32 pixels.

    Returns:
        Arguments of `tfdyn.families.dmnn.dmnn.DMNN` by name.
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


def mobilenetv2(
    multiplier: float = 1.0, sub_blocks: int = 1, pixels: int = 224
) -> dict[str, Any]:
    """Returns the arguments of a DMNN of inverted residuals, MobileNetV2's blocks.

    Each of N sub-blocks has the expansion E/N, where E is the expansion of the block in
    MobileNetV2 (DMNN section 3.1). Blocks that change the shape of their input have no
    shortcut in MobileNetV2. In DMNN they have a 1x1 convolution, which gives the
    networks their published sizes within 1 %. The first block, without expansion, is
    divided by its input channels, and its shortcut has no weights: with convolutions
    there, the network would have 9 % more MACs than MobileNetV2 and not 2 %. The paper
    names no such difference. The stem has stride 2 for images of 224 pixels only.

    Args:
        multiplier: Factor on the number of channels of every layer.
        sub_blocks: Number of sub-blocks of a block. With 1 the network is static: it
            has no routers.
        pixels: Height and width of the images, in pixels: 32, 64 or 224.

    Returns:
        Arguments of `tfdyn.families.dmnn.dmnn.DMNN` by name.
    """
    stages = [
        (_channels(filters * multiplier), expansion / sub_blocks, blocks, strides)
        for expansion, filters, blocks, strides in mobilenetv2_stages(pixels)
    ]
    return {
        "sub_block": "inverted_residual",
        "stages": stages,
        "sub_blocks": sub_blocks,
        "stem": "mobilenet" if pixels == 224 else "small",
        "stem_filters": _channels(32 * multiplier),
        "head_filters": _channels(1280 * max(1.0, multiplier)),
        "projection": sub_blocks > 1,
        "divide_inputs": sub_blocks > 1,
    } | _static(sub_blocks)


def _static(sub_blocks):
    """Returns the arguments that make a network of one sub-block static."""
    return {"selection": "none"} if sub_blocks == 1 else {}


def _channels(number):
    """Rounds to a multiple of 8 that is at least 90 % of the number (MobileNetV2)."""
    rounded = max(8, int(number + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * number else rounded


SMALL = {"stem": "small", "stem_filters": 16}
# Exported files copy feature maps at their gates. In maps of half the height and width,
# with more channels, there are more MACs for each value that is copied.
HALVED = {"stem": "mobilenet", "stem_filters": 32}

# Network: arguments of DMNN. dmnn_*: tables 1 to 3 of DMNN; resnet_* and mobilenetv2*:
# the static networks of these tables; mobilenetv2_*cifar10: those of tables 1 and 2 of
# InstaNAS. xs (for CIFAR-10 on two CPU cores) and tiny (for tests) are in no paper.
SIZES = {
    "dmnn_tiny": {**SMALL, "stages": [(16, 4, 2, 1), (32, 8, 2, 2)]},
    "dmnn_xs": {**HALVED, "stages": [(128, 40, 2, 1), (256, 80, 2, 2)]},
    # Most of its MACs come late, where a network knows what it already believes.
    "dmnn_xs_deep": {
        **HALVED,
        "stages": [(128, 32, 1, 1), (256, 48, 1, 2), (256, 64, 5, 1)],
    },
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

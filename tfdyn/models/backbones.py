"""Stage tables of ResNet and MobileNetV2, on which several families are built."""

# For each stage of a ResNet with bottleneck blocks: output channels, stride of its
# first block (He et al., 2016, table 1).
RESNET = ((256, 1), (512, 2), (1024, 2), (2048, 2))

# Number of blocks in each stage (the same table).
RESNET_50, RESNET_101 = (3, 4, 6, 3), (3, 4, 23, 3)

# For each stage of MobileNetV2: expansion, output channels, number of blocks, stride of
# its first block (Sandler et al., 2018, table 2).
MOBILENETV2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenetv2_stages(pixels: int) -> list[tuple[int, int, int, int]]:
    """Returns the stages of MobileNetV2 for an image size.

    They are those of `MOBILENETV2`, with one exception: for images of 32 pixels, the
    stage of 24 channels has stride 1, as in the code of InstaNAS.

    Args:
        pixels: Height and width of the images, in pixels: 32, 64 or 224.

    Returns:
        For each stage: expansion, output channels, number of blocks, stride of its
        first block.
    """
    return [
        (expansion, filters, blocks, 1 if (pixels, filters) == (32, 24) else strides)
        for expansion, filters, blocks, strides in MOBILENETV2
    ]

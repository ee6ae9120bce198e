"""Stage tables of ResNet and MobileNetV2."""

import math

import pytest

from tfdyn.models.backbones import (
    MOBILENETV2,
    RESNET,
    RESNET_50,
    RESNET_101,
    mobilenetv2_stages,
)


@pytest.mark.parametrize(("blocks", "depth"), [(RESNET_50, 50), (RESNET_101, 101)])
def test_resnets_have_as_many_layers_as_their_names_say(blocks, depth):
    assert len(blocks) == len(RESNET)
    # Three convolutions a block, the stem's convolution and the dense layer.
    assert 3 * sum(blocks) + 2 == depth


def test_the_maps_of_resnet_end_at_a_32nd_of_the_image():
    # The stem, its pool and the strides of the stages.
    assert 2 * 2 * math.prod(strides for _, strides in RESNET) == 32


@pytest.mark.parametrize("pixels", [64, 224])
def test_mobilenetv2_is_that_of_the_paper(pixels):
    stages = mobilenetv2_stages(pixels)
    assert tuple(stages) == MOBILENETV2
    assert sum(blocks for _, _, blocks, _ in stages) == 17
    assert math.prod(strides for *_, strides in stages) == 16


def test_mobilenetv2_halves_images_of_32_pixels_once_less():
    differences = [
        (stage, small)
        for stage, small in zip(MOBILENETV2, mobilenetv2_stages(32), strict=True)
        if stage != small
    ]
    assert differences == [((6, 24, 2, 2), (6, 24, 2, 1))]

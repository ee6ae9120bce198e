"""Sizes of InstaNAS, from the stages of MobileNetV2 at 32, 64 and 224 pixels."""

from typing import Any

from tfdyn.models.backbones import mobilenetv2_stages

# Height and width of the images, in pixels: `router_pool` of the networks for them.
ROUTER_POOLS = {32: 1, 64: 2, 224: 4}


def meta_graph(pixels: int) -> dict[str, Any]:
    """Returns the arguments of an InstaNAS of 17 cells, for images of one size.

    The stem has stride 2 for images of 224 pixels only.

    Args:
        pixels: Height and width of the images, in pixels: 32, 64 or 224.

    Returns:
        Arguments of `tfdyn.families.instanas.instanas.InstaNAS` by name.
    """
    return {
        "stages": [
            (filters, cells, strides)
            for _, filters, cells, strides in mobilenetv2_stages(pixels)
        ],
        "stem_filters": 32,
        "stem_strides": 2 if pixels == 224 else 1,
        "head_filters": 1280,
        "router_pool": ROUTER_POOLS[pixels],
    }


# Network: arguments of InstaNAS, as in section 4.1 of its paper. xs and xs_deep (for
# CIFAR-10 on two CPU cores) and tiny (for tests) are in no paper.
SIZES = {
    "instanas_tiny": {
        "stages": [(8, 1, 1), (16, 2, 2)],
        "stem_filters": 8,
        "head_filters": 64,
    },
    "instanas_xs": {
        "stages": [(16, 2, 1), (32, 2, 2), (64, 2, 2)],
        "stem_filters": 16,
        "stem_strides": 2,
        "head_filters": 256,
        "router_pool": 2,
    },
    # Most of its MACs come late, in five cells that can all pass their input on.
    "instanas_xs_deep": {
        "stages": [(24, 1, 1), (48, 2, 2), (64, 5, 1)],
        "stem_filters": 16,
        "stem_strides": 2,
        "head_filters": 256,
        "router_pool": 2,
    },
    "instanas_cifar10": meta_graph(32),
    "instanas_cifar100": meta_graph(32),
    "instanas_tinyimagenet": meta_graph(64),
    "instanas_imagenet": meta_graph(224),
}

"""Sizes of InstaNAS: the backbone of MobileNetV2 at 32, 64 and 224 pixels."""

from tfdyn.families.dmnn.sizes import backbone

# Pixels of a side that the router sees as one, by the side of the images.
ROUTER_POOLS = {32: 1, 64: 2, 224: 4}


def meta_graph(pixels):
    """Returns the arguments of an InstaNAS of 17 cells, for images of a side.

    Args:
        pixels: 32, 64 or 224.
    """
    return {
        "stages": [
            (filters, cells, strides) for _, filters, cells, strides in backbone(pixels)
        ],
        "stem_filters": 32,
        "stem_strides": 2 if pixels == 224 else 1,
        "head_filters": 1280,
        "router_pool": ROUTER_POOLS[pixels],
    }


# InstaNAS section 4.1. xs (CIFAR-10 on two CPU cores) and tiny (tests) are ours.
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
    "instanas_cifar10": meta_graph(32),
    "instanas_cifar100": meta_graph(32),
    "instanas_tinyimagenet": meta_graph(64),
    "instanas_imagenet": meta_graph(224),
}

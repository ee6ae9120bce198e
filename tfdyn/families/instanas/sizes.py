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

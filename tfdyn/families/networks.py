"""Networks by name: the table of sizes, and how settings become a model."""

from tfdyn.data import categories
from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.dmnn.sizes import mobilenetv2, resnet
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.families.instanas.sizes import meta_graph
from tfdyn.routing.threshold import threshold_from_flag

# Blocks of each stage (He et al., 2016, table 1).
RESNET_50, RESNET_101 = (3, 4, 6, 3), (3, 4, 23, 3)
SMALL = {"stem": "small", "stem_filters": 16}
# Maps of half the side have more MACs a value, so that copies at gates weigh less.
HALVED = {"stem": "mobilenet", "stem_filters": 32}

# S, M and L: DRNet section 4.1 and ISBNet section 4.1. dmnn_*: DMNN tables 1 to 3,
# with the static networks that these compare with. instanas_*: InstaNAS section 4.1,
# with the MobileNetV2 that tables 1 and 2 compare with. xs and tiny are ours, for two
# CPU cores on CIFAR-10, and for tests and the quick start.
NETWORKS = {
    "drnet_tiny": (DRNet, {"num_cells": 3, "filters": 8, "num_nodes": 2}),
    "drnet_xs": (DRNet, {"num_cells": 2, "filters": 16}),
    "drnet_s": (DRNet, {"num_cells": 5, "filters": 15}),
    "drnet_m": (DRNet, {"num_cells": 10, "filters": 20}),
    "drnet_l": (DRNet, {"num_cells": 10, "filters": 32}),
    "drnet_l_imagenet": (
        DRNet,
        {"num_cells": 10, "filters": 32, "stem": "imagenet"},
    ),
    "isbnet_s": (DRNet, {"num_cells": 5, "filters": 15}),
    "isbnet_m": (DRNet, {"num_cells": 10, "filters": 20}),
    "dmnn_tiny": (DMNN, {**SMALL, "stages": [(16, 4, 2, 1), (32, 8, 2, 2)]}),
    "dmnn_xs": (
        DMNN,
        {**HALVED, "stages": [(128, 40, 2, 1), (256, 80, 2, 2)]},
    ),
    "dmnn_50_n2": (DMNN, resnet(RESNET_50, 2)),
    "dmnn_50_n3": (DMNN, resnet(RESNET_50, 3)),
    "dmnn_50_n4": (DMNN, resnet(RESNET_50, 4)),
    "dmnn_101_n2": (DMNN, resnet(RESNET_101, 2)),
    "dmnn_mobilenetv2": (DMNN, mobilenetv2(1.0, 2)),
    "dmnn_mobilenetv2_1.4": (DMNN, mobilenetv2(1.4, 2)),
    "dmnn_50_cifar100": (DMNN, resnet(RESNET_50, 4, "resnet_cifar")),
    "dmnn_50_n2_cifar100": (DMNN, resnet(RESNET_50, 2, "resnet_cifar")),
    # As many MACs as dmnn_xs, within 2 %.
    "resnet_xs": (
        DMNN,
        {
            **HALVED,
            "stages": [(128, 61, 2, 1), (256, 122, 2, 2)],
            "sub_blocks": 1,
            "selection": "none",
        },
    ),
    "resnet_50": (DMNN, resnet(RESNET_50)),
    "resnet_101": (DMNN, resnet(RESNET_101)),
    "resnet_50_cifar100": (DMNN, resnet(RESNET_50, 1, "resnet_cifar")),
    "mobilenetv2": (DMNN, mobilenetv2(1.0)),
    "mobilenetv2_1.4": (DMNN, mobilenetv2(1.4)),
    "mobilenetv2_0.4_cifar10": (DMNN, mobilenetv2(0.4, pixels=32)),
    "mobilenetv2_cifar10": (DMNN, mobilenetv2(1.0, pixels=32)),
    "mobilenetv2_1.4_cifar10": (DMNN, mobilenetv2(1.4, pixels=32)),
    "instanas_tiny": (
        InstaNAS,
        {"stages": [(8, 1, 1), (16, 2, 2)], "stem_filters": 8, "head_filters": 64},
    ),
    "instanas_xs": (
        InstaNAS,
        {
            "stages": [(16, 2, 1), (32, 2, 2), (64, 2, 2)],
            "stem_filters": 16,
            "stem_strides": 2,
            "head_filters": 256,
            "router_pool": 2,
        },
    ),
    "instanas_cifar10": (InstaNAS, meta_graph(32)),
    "instanas_cifar100": (InstaNAS, meta_graph(32)),
    "instanas_tinyimagenet": (InstaNAS, meta_graph(64)),
    "instanas_imagenet": (InstaNAS, meta_graph(224)),
}

# Settings that stand for a size of the table, by the families that have them.
OVERRIDES = {
    DRNet: (
        "num_cells",
        "filters",
        "num_nodes",
        "inputs_per_node",
        "branches",
        "topology_seed",
    ),
    DMNN: (),
    InstaNAS: (),
}


def build_network(settings, input_shape, num_classes):
    """Returns the model that the settings describe, untrained.

    Args:
        settings: `Settings`.
        input_shape: Height, width and channels of the images.
        num_classes: Number of classes.

    Raises:
        ValueError: If a setting is not one the network can have.
    """
    if settings.network not in NETWORKS:
        raise ValueError(
            f"--network={settings.network} is unknown; networks are "
            f"{', '.join(NETWORKS)}."
        )
    network, sizes = NETWORKS[settings.network]
    return network(
        input_shape,
        num_classes,
        **{
            "threshold": threshold_from_flag(settings.threshold),
            "seed": settings.seed,
            **ARGUMENTS[network](settings, sizes),
            **sizes,
            **_overrides(settings, OVERRIDES[network]),
        },
        name=settings.network,
    )


def _drnet(settings, sizes):
    return {
        "selection": settings.selection,
        "temperature": settings.pretrain_temperature,
        "auxiliary_head": settings.auxiliary_weight > 0,
    }


def _dmnn(settings, sizes):
    routed = "none" not in (settings.selection, sizes.get("selection"))
    return {
        "selection": settings.selection,
        "previous_state": settings.previous_state,
        "normalized_routers": settings.normalized_routers,
        "category_heads": len(categories.load(settings.categories)) if routed else 0,
    }


def _instanas(settings, sizes):
    return {"router": settings.router, "alpha": settings.alpha}


ARGUMENTS = {DRNet: _drnet, DMNN: _dmnn, InstaNAS: _instanas}


def _overrides(settings, names):
    """Returns the settings that stand for a size of the table."""
    known = dict.fromkeys(name for family in OVERRIDES.values() for name in family)
    given = {name: getattr(settings, name) for name in known}
    given = {name: value for name, value in given.items() if value is not None}
    if foreign := [name for name in given if name not in names]:
        raise ValueError(
            f"--network={settings.network} has no --{foreign[0]}; leave it out. Of its "
            f"size there {'is' if len(names) == 1 else 'are'} "
            f"{', '.join('--' + name for name in names) or 'none'} to set."
        )
    return given

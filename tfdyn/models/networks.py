"""Networks by name: the table of sizes, and how settings become a model."""

from tfdyn.models.drnet import DRNet

# S, M and L: DRNet section 4.1 and ISBNet section 4.1. xs and tiny are ours, for
# two CPU cores on CIFAR-10, and for tests and the quick start.
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
}

OVERRIDES = (
    "num_cells",
    "filters",
    "num_nodes",
    "inputs_per_node",
    "branches",
    "topology_seed",
)


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
    chosen = {name: getattr(settings, name) for name in OVERRIDES}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    return network(
        input_shape,
        num_classes,
        **{**sizes, **chosen},
        selection=settings.selection,
        threshold=_scalar(settings.threshold),
        temperature=settings.pretrain_temperature,
        seed=settings.seed,
        auxiliary_head=settings.auxiliary_weight > 0,
        name=settings.network,
    )


def _scalar(threshold):
    return threshold[0] if len(threshold) == 1 else list(threshold)

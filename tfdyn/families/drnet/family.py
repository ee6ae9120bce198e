"""The DRNet family: sizes S, M and L of DRNet, S and M of ISBNet, and four of ours."""

from tfdyn.families.drnet.drnet import DRNet
from tfdyn.families.drnet.settings import DRNetSettings
from tfdyn.families.drnet.stages import drnet_stages
from tfdyn.models.family import Family
from tfdyn.settings.routers import ROUTER_SETTINGS

# S, M and L: DRNet section 4.1, ISBNet section 4.1. Four sizes are ours:
# - s_narrow: S with fewer channels, for CIFAR-10 on two CPU cores.
# - xs: as cheap, but with two cells. Both halve height and width, so that none works on
#   the full image, and the auxiliary head is on the last cell.
# - xs_deep: five cells, so that routers see late features, at fewer MACs than xs. The
#   stem halves height and width. Few connections and branches make it fast to train.
# - tiny: for tests and a first look.
SIZES = {
    "drnet_tiny": {"num_cells": 3, "filters": 8, "num_nodes": 2},
    "drnet_xs": {"num_cells": 2, "filters": 16},
    "drnet_xs_deep": {
        "num_cells": 5,
        "filters": 20,
        "num_nodes": 3,
        "branches": ("sep_conv_3x3", "sep_conv_5x5", "skip_connection"),
        "stem": "halved",
    },
    "drnet_s": {"num_cells": 5, "filters": 15},
    "drnet_s_narrow": {"num_cells": 5, "filters": 9},
    "drnet_m": {"num_cells": 10, "filters": 20},
    "drnet_l": {"num_cells": 10, "filters": 32},
    "drnet_l_imagenet": {"num_cells": 10, "filters": 32, "stem": "imagenet"},
    "isbnet_s": {"num_cells": 5, "filters": 15},
    "isbnet_m": {"num_cells": 10, "filters": 20},
}


def _arguments(settings, size):
    return {
        "selection": settings.selection,
        "temperature": settings.pretrain_temperature,
        "auxiliary_head": settings.auxiliary_weight > 0,
        "normalized_routers": settings.normalized_routers,
        "beliefs": settings.beliefs,
        "units": settings.router_units,
    }


def _unread(settings):
    unread, schedule = {}, settings.temperature_schedule
    if schedule != "exponential":
        unread["temperature_decay"] = f"--temperature_schedule={schedule}"
    if settings.selection == "softmax":
        unread["noise_end"] = "--selection=softmax"
    if not settings.beliefs and not settings.codebook:
        names = ("router_units", "belief_weight")
        unread |= dict.fromkeys(names, "DRNet without --beliefs")
    return unread


FAMILY = Family(
    model=DRNet,
    sizes=SIZES,
    settings=DRNetSettings,
    arguments=_arguments,
    stages=drnet_stages,
    also_reads=("selection", "drop_branch", *ROUTER_SETTINGS),
    of_routers=(
        *ROUTER_SETTINGS,
        "pretrain_temperature",
        "finetune_temperature_start",
        "finetune_temperature_end",
        "temperature_schedule",
        "temperature_decay",
        "router_learning_rate_factor",
        "cost_weight",
        "cost_form",
    ),
    unread=_unread,
    overrides=(
        "num_cells",
        "filters",
        "num_nodes",
        "inputs_per_node",
        "branches",
        "topology_seed",
    ),
)

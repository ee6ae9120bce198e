"""The DMNN family: on ResNet and on MobileNetV2, with the static twins of both."""

from tfdyn.data import categories
from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.dmnn.settings import DMNNSettings
from tfdyn.families.dmnn.sizes import SIZES, divide
from tfdyn.families.dmnn.stages import dmnn_stages
from tfdyn.models.family import Family
from tfdyn.settings.routers import ROUTER_SETTINGS


def _arguments(settings, size):
    selection = size.get("selection", settings.selection)
    coarse = categories.load(settings.categories) if selection != "none" else ()
    return {
        **(divide(size, settings.sub_blocks) if settings.sub_blocks else size),
        "selection": selection,
        "units": settings.router_units,
        "previous_state": settings.previous_state,
        "normalized_routers": settings.normalized_routers,
        "beliefs": settings.beliefs and selection != "none",
        "rate_bias": settings.rate_bias,
        "category_heads": len(coarse),
    }


def _unread(settings):
    if not settings.rate_bias:
        return {}
    names = ["noise_free_rates", "rates_by_confidence"]
    if settings.block_rate_weight:
        names.append("cost_unit")
    reason = f"--rate_bias={settings.rate_bias}, with which no loss holds the rate,"
    return dict.fromkeys(names, reason)


FAMILY = Family(
    model=DMNN,
    sizes=SIZES,
    settings=DMNNSettings,
    arguments=_arguments,
    stages=dmnn_stages,
    also_reads=("selection", *ROUTER_SETTINGS),
    of_routers=(
        *ROUTER_SETTINGS,
        "previous_state",
        "target_rate",
        "target_rate_start",
        "noise_free_rates",
        "rates_by_confidence",
        "block_rate_weight",
        "rate_bias",
    ),
    unread=_unread,
)

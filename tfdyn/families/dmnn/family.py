"""The DMNN family: on ResNet and on MobileNetV2, with the static twins of both."""

from tfdyn.data import categories
from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.dmnn.settings import DMNNSettings
from tfdyn.families.dmnn.sizes import SIZES
from tfdyn.families.dmnn.stages import dmnn_stages
from tfdyn.models.family import Family


def _arguments(settings, size):
    routed = "none" not in (settings.selection, size.get("selection"))
    return {
        "selection": settings.selection,
        "previous_state": settings.previous_state,
        "normalized_routers": settings.normalized_routers,
        "category_heads": len(categories.load(settings.categories)) if routed else 0,
    }


FAMILY = Family(
    model=DMNN,
    sizes=SIZES,
    settings=DMNNSettings,
    arguments=_arguments,
    stages=dmnn_stages,
    also_reads=("selection",),
)

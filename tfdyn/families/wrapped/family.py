"""The family of users' own Keras models."""

from tfdyn.errors import UserError
from tfdyn.families.wrapped.original import graph_of
from tfdyn.families.wrapped.plan import plan
from tfdyn.families.wrapped.settings import WrappedSettings
from tfdyn.families.wrapped.stages import wrapped_stages
from tfdyn.families.wrapped.wrapped import Wrapped
from tfdyn.families.wrapped.wrapping import copy_weights
from tfdyn.models.family import Family

OF_ROUTERS = ("router_units", "normalized_routers", "previous_state", "noise_end")
OF_RATES = ("target_rate", "target_rate_start")


def _arguments(settings, size):
    blocks, exits = settings.blocks, settings.exits
    if len(exits) == 1 and exits[0].isdecimal():
        exits = int(exits[0])
    if settings.selection == "none" and not exits:
        raise UserError(
            "--selection=none without --exits leaves nothing to choose. Add, for "
            "instance, --exits=2."
        )
    if settings.selection == "none":
        blocks = []  # A block without a router is no part that can be skipped.
    structure = plan(graph_of(settings), blocks, exits, settings.exit_filters)
    # Without routers and on frozen weights, the network's end is the original itself.
    differs = settings.finetune_epochs or settings.selection != "none"
    return {
        "nodes": structure["nodes"],
        "pieces": structure["pieces"],
        "routers": settings.routers,
        "units": settings.router_units,
        "previous_state": settings.previous_state,
        "normalized_routers": settings.normalized_routers,
        "selection": settings.selection,
        "teacher": bool(settings.distil and differs),
    }


def _unread(settings):
    return {"dtype_policy": "--network=wrapped, whose layers have a precision already,"}


def _start(settings, model):
    copy_weights(graph_of(settings), model)


FAMILY = Family(
    model=Wrapped,
    sizes={"wrapped": {}},
    settings=WrappedSettings,
    arguments=_arguments,
    stages=wrapped_stages,
    also_reads=("selection", *OF_ROUTERS, *OF_RATES),
    of_routers=("routers", *OF_ROUTERS, *OF_RATES),
    reads_without_routers=("threshold",),
    start=_start,
    unread=_unread,
)

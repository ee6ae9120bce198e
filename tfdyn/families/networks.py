"""Networks by name: which family each belongs to, and how settings become a model."""

import dataclasses
import difflib
import inspect

import numpy as np

from tfdyn.errors import UserError
from tfdyn.families.codebook import family as codebook
from tfdyn.families.dmnn.family import FAMILY as DMNN
from tfdyn.families.drnet.family import FAMILY as DRNET
from tfdyn.families.instanas.family import FAMILY as INSTANAS
from tfdyn.families.settings import Settings
from tfdyn.families.wrapped.family import FAMILY as WRAPPED
from tfdyn.models.family import Family
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing.threshold import threshold_from_flag

FAMILIES = (DRNET, DMNN, INSTANAS, WRAPPED)
# Settings that not all families read.
PARTIAL = frozenset().union(*(family.reads for family in FAMILIES))
# Settings of the learning rate that not all its schedules read.
LEARNING_RATE_SCHEDULES = {
    "learning_rate_decay": ("exponential", "step"),
    "learning_rate_steps": ("step",),
}
# Values that say the same as to leave a setting out, if there are no routers.
WITHOUT_ROUTERS = {"selection": "none", "threshold": (1.0,)}
DEFAULTS = {field.name: field.default for field in dataclasses.fields(Settings)}


def networks() -> list[str]:
    """Returns the names of all networks that can be built by their name."""
    families = (family for family in FAMILIES if family is not WRAPPED)
    return [name for family in families for name in family.sizes]


def family_of(network: str) -> Family:
    """Returns the `Family` that a network belongs to.

    Args:
        network: Name of the network, one of `networks()`.

    Raises:
        UserError: If there is no such network.
    """
    for family in FAMILIES:
        if network in family.sizes:
            return family
    near = difflib.get_close_matches(network, networks(), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise UserError(
        f"--network={network} is unknown; {hint}networks are {', '.join(networks())}."
    )


def family_of_run(settings: Settings) -> Family:
    """Returns the `Family` that describes how a run trains its network.

    Args:
        settings: `Settings` of the run.

    Raises:
        UserError: If there is no such network.
    """
    family = family_of(settings.network)
    return codebook.codebook_of(family) if settings.codebook else family


def build(
    network: str, input_shape: tuple[int, int, int], num_classes: int, **arguments
) -> RoutedModel:
    """Builds an untrained network by its name.

    ```python
    model = tfdyn.build("drnet_s", (32, 32, 3), 10)
    model = tfdyn.build("dmnn_50_n2", (224, 224, 3), 1000, threshold=0.4)
    ```

    Args:
        network: Name of the network, one of `tfdyn.networks()`.
        input_shape: Height and width of the images, in pixels, and their channels.
        num_classes: Number of classes.
        **arguments: Further arguments of the model's class (`tfdyn.DRNet`,
            `tfdyn.DMNN` or `tfdyn.InstaNAS`). They replace those of the network.

    Raises:
        UserError: If there is no such network, the class has no such argument, or an
            argument has a wrong value.
    """
    family = family_of(network)
    names = [*inspect.signature(family.model.__init__).parameters][1:-1]
    for name in arguments:
        if name not in names:
            raise UserError(
                f"{family.name}, the family of {network}, has no argument {name!r}; "
                f"its arguments are {', '.join(names)}."
            )
    arguments = {"name": network, **family.sizes[network], **arguments}
    arguments["num_classes"] = num_classes
    for name, value in arguments.items():
        if isinstance(value, np.generic):  # Keras and JSON take Python's alone.
            arguments[name] = value.item()
    return family.model(input_shape, **arguments)


def build_network(
    settings: Settings, input_shape: tuple[int, int, int], num_classes: int
) -> RoutedModel:
    """Builds the untrained network that the settings of a run describe.

    Args:
        settings: `Settings`.
        input_shape: Height and width of the images, in pixels, and their channels.
        num_classes: Number of classes.

    Raises:
        UserError: If a setting does not apply to the network, or has a wrong value.
    """
    family = family_of(settings.network)
    check_settings(settings)
    overrides = {name: getattr(settings, name) for name in family.overrides}
    overrides = {name: value for name, value in overrides.items() if value is not None}
    size = family.sizes[settings.network]
    arguments = {
        "threshold": threshold_from_flag(settings.threshold),
        "seed": settings.seed,
        **size,
        **family.arguments(settings, size),
        **overrides,
    }
    if not settings.codebook:
        model = build(settings.network, input_shape, num_classes, **arguments)
        family.start(settings, model)
        return model
    without = {name: False for name in family.model.training_heads}
    if "selection" in family.reads:
        without["selection"] = "none"
    arguments |= without
    base = build(settings.network, input_shape, num_classes, **arguments)
    family.start(settings, base)
    return codebook.build_codebook(settings, base)


def check_settings(settings: Settings) -> None:
    """Checks that no setting was changed that no stage of a training reads.

    Settings of other families are not read. Without routers, neither are those of
    routers and of what a route costs; but `categories` are: the evaluation reads them
    too. Settings of a stage without epochs may remain in a flagfile. The flags of a
    saved run hold all settings, so a setting at its default is no mistake.

    Args:
        settings: `Settings`.

    Raises:
        UserError: If a setting that is not read is not at its default.
    """
    family = family_of(settings.network)
    reads = family.reads.union(codebook.OF_ROUTERS if settings.codebook else ())
    unread = _unread(settings, family)
    for name in sorted(PARTIAL - reads - unread.keys()):
        if getattr(settings, name) != DEFAULTS[name]:
            readers = [other.name for other in FAMILIES if name in other.reads]
            raise UserError(
                f"--{name} is a setting of {' and '.join(readers)}, and "
                f"--network={settings.network} is of the family {family.name}; leave "
                f"it out."
            )
    wrong = {}
    for name, reason in sorted(unread.items()):
        allowed = (DEFAULTS[name], WITHOUT_ROUTERS.get(name, DEFAULTS[name]))
        if getattr(settings, name) not in allowed:
            wrong.setdefault(reason, []).append(name)
    for reason, names in wrong.items():
        them = "it" if len(names) == 1 else "them"
        raise UserError(
            f"{reason} has no {', '.join(f'--{name}' for name in names)}; leave {them} "
            f"out, of the flagfile too."
        )


def _unread(settings, family):
    """Returns the settings that a training does not read, each with the reason."""
    unread = dict(family.unread(settings))
    schedule = settings.learning_rate_schedule
    for name, readers in LEARNING_RATE_SCHEDULES.items():
        if schedule not in readers:
            unread[name] = f"--learning_rate_schedule={schedule}"
    of_routers = {"threshold", "cost_table", "cost_unit"}
    if not settings.codebook:
        names = codebook.READS - {"codebook"}
        unread |= dict.fromkeys(names, "A training without --codebook")
    else:
        reason = "--codebook, whose routes come from a file,"
        names = family.reads.union(of_routers, family.of_routers) - {"threshold"}
        names -= {*codebook.OF_ROUTERS, *codebook.OF_NETWORKS, *family.overrides}
        return unread | dict.fromkeys(names, reason)
    if family.sizes[settings.network].get("selection") == "none":
        reason = f"--network={settings.network} is static: it has no routers, and so"
        names = (of_routers | family.reads) - {"categories"}
    elif "selection" in family.reads and settings.selection == "none":
        reason = "--selection=none, without routers,"
        names = of_routers.union(family.of_routers) - {*family.reads_without_routers}
    else:
        names, reason = (), ""
    return unread | dict.fromkeys(names, reason)

"""Checks of a search, before anything is trained."""

from collections.abc import Sequence

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.data import dataset as datasets
from tfdyn.errors import UserError
from tfdyn.families.networks import build_network
from tfdyn.families.settings import Settings
from tfdyn.runs.run_folder import RunFolder
from tfdyn.runs.tables import load_in_ms
from tfdyn.text import readable
from tfdyn.tuning.objective import Objective, parse
from tfdyn.tuning.rungs import EPOCHS
from tfdyn.tuning.space import Space


def find_table(settings: Settings, path: str | None) -> tuple:
    """Returns the table in milliseconds and its path, or `None` twice.

    Args:
        settings: `Settings`. Their `cost_table` is the default, if it is in ms.
        path: Path of a table, or `None`.

    Raises:
        UserError: If the file is no table in milliseconds.
    """
    if path:
        return load_in_ms(path), str(path)
    if settings.cost_table and CostTable.load(settings.cost_table).unit == "ms":
        return load_in_ms(settings.cost_table), settings.cost_table
    return None, None


def find_objectives(
    settings: Settings, texts: Sequence[str], table: CostTable | None
) -> list[Objective]:
    """Returns the objectives that the user wrote.

    Args:
        settings: `Settings` of the network: the cost of all its branches is the budget
            of a "hypervolume" that names none.
        texts: Texts of objectives.
        table: `CostTable` in milliseconds, if there is one.

    Raises:
        UserError: If a text is no objective, one in milliseconds has no table, or the
            table is of another network, or a budget is far below the cheapest route.
    """
    objectives = parse(texts, reference=1.0)
    in_ms = [each.name for each in objectives if each.unit == "ms"]
    if in_ms and table is None:
        raise UserError(
            f"--objective={in_ms[0]} needs milliseconds: name a table with "
            f"--latency_table, as `python -m export.latency` makes it."
        )
    input_format = datasets.input_format_of(
        settings.dataset, settings.data_dir, settings.image_size
    )
    classes = len(input_format.class_names)
    model = build_network(settings, input_format.shape, classes)
    if table:
        RouteCost(model.modules, table)
    cost = model.route_cost
    objectives = parse(texts, reference=cost.fixed + cost.all_branches)
    for each in objectives:
        if each.unit == "macs" and each.budget < cost.fixed / 10:
            raise UserError(
                f"--objective={each.name} is a budget of {each.budget:.0f} MACs, and "
                f"{cost.fixed:.0f} run in the flagfile's network without any branch: "
                f"write k, M or G after the number, such as accuracy@"
                f"{readable(cost.fixed + cost.all_branches / 2).replace(' ', '')}."
            )
    return objectives


def check_settings(settings: Settings, beside: str | None) -> None:
    """Checks what would stop a search after its first training.

    Args:
        settings: `Settings` of all trials.
        beside: Path of a run whose points are shown beside the frontier, or `None`.

    Raises:
        UserError: If there are no validation images, or that run has other images.
    """
    if not settings.validation_share:
        raise UserError(
            "A search compares trials on validation images, and --validation_share=0 "
            "leaves none: set it, such as --validation_share=0.1."
        )
    if beside:
        other = RunFolder(beside).settings()
        for name in ("dataset", "image_size", "validation_share"):
            ours, theirs = getattr(settings, name), getattr(other, name)
            if ours != theirs:
                raise UserError(
                    f"--beside={beside} has --{name}={theirs}, and this search "
                    f"--{name}={ours}: name a run on the same images."
                )


def check_hyperband(space: Space) -> None:
    """Checks that a space leaves the epochs to hyperband.

    Args:
        space: `Space`.

    Raises:
        UserError: If it has epochs.
    """
    for name in EPOCHS:
        if name in space.dimensions:
            raise UserError(
                f"--tuner=hyperband sets the epochs of each rung itself: leave {name} "
                f"out of the space."
            )

"""Comparison: a run and what its router is compared with, checked beforehand."""

import dataclasses

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.files import check_writable
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing.threshold import threshold_label
from tfdyn.runs.run_folder import RunFolder
from tfdyn.runs.tables import load_in_ms


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A run with what its router is compared with, checked before it is measured.

    Attributes:
        run: `RunFolder` of a finished run.
        model: Its `RoutedModel`, with routers.
        thresholds: List of thresholds T in (0, 1].
        table: `CostTable` in milliseconds, or `None` to count MACs.
        twin: `RoutedModel` without routers, or `None`.
    """

    run: RunFolder
    model: RoutedModel
    thresholds: list
    table: CostTable | None
    twin: RoutedModel | None


def prepare(run_dir, thresholds=None, cost_table=None, static_twin=None) -> Comparison:
    """Loads a run and what its router is compared with. This takes seconds.

    Args:
        run_dir: Path of a finished run's folder.
        thresholds: List of thresholds T in (0, 1]. Default: that of the model.
        cost_table: Path of a latency table. Default: costs are MACs.
        static_twin: Path of the folder of a run without a router, or `None`.

    Raises:
        UserError: If the run is not finished, has no router or no validation images;
            if the twin has a router or was trained on other images; or if a file or an
            argument is not as described.
        OSError: If a file cannot be read, or the folder cannot be written to.
    """
    run = RunFolder(run_dir)
    if run.finished:
        check_writable(run.path)
    model = run.load_model()
    if not model.has_routers:
        raise UserError(f"{run} has no router (--selection=none): name another run.")
    if not run.settings().validation_share:
        raise without_validation(run)
    table = load_in_ms(cost_table) if cost_table else None
    if table:
        RouteCost(model.modules, table)  # Refuses a table of another network.
    twin = _load_twin(RunFolder(static_twin), run, table) if static_twin else None
    # T may be one number for each MixedOp, where the training has set them.
    return Comparison(run, model, thresholds or [model.threshold], table, twin)


def check_thresholds(comparisons: list[Comparison]) -> None:
    """Checks that several runs are compared at the same T.

    Args:
        comparisons: What `prepare` returned for each run.

    Raises:
        UserError: If they are not.
    """
    first, *others = comparisons
    for other in others:
        if other.thresholds != first.thresholds:
            raise UserError(
                f"--run_dirs: these runs have no mean, because their T differ: "
                f"{first.run} has {_listed(first)} and {other.run} {_listed(other)}. "
                f"Pass T for all of them, such as --thresholds=0.8."
            )


def without_validation(run: RunFolder) -> UserError:
    """Returns the error of a run that has no validation images."""
    return UserError(
        f"{run} has no validation images, by which fixed routes are chosen "
        f"(--validation_share=0): name a run that has."
    )


def _load_twin(twin, run, table):
    """Returns the network of a twin, checked that it can be compared with a run."""
    model = twin.load_model()
    if model.has_routers:
        raise UserError(
            f"--static_twin={twin} has a router, and a static twin has none. Train one "
            f"with `--selection=none`, or with the `--codebook` of one route that "
            f"`python -m tfdyn.codebook --size=1` writes."
        )
    difference = run.input_format().difference(twin.input_format())
    if difference:
        raise UserError(
            f"--static_twin={twin} was trained on other images than {run}: "
            f"{difference}. Name a run of the same data set and image size."
        )
    if table:
        RouteCost(model.modules, table)
    return model


def _listed(comparison):
    return ", ".join(map(threshold_label, comparison.thresholds))

"""Measures the worth of the router of a run, and writes it into the run's folder."""

import contextlib
import dataclasses
import sys

from tqdm import tqdm

from tfdyn.costs import provenance
from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.evaluation import worth_report
from tfdyn.evaluation.evaluator import Evaluator, load_data
from tfdyn.evaluation.passes import Passes
from tfdyn.evaluation.router_worth import RouterWorth
from tfdyn.files import check_writable, whole_set, write_json
from tfdyn.locks import locked
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
        raise _without_validation(run)
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


def measure(
    comparison: Comparison, routes: int = 128, data_dir=None, batch_size: int = 250
) -> dict:
    """Compares a run's router with other routes; writes `router_worth.json` and a plot.

    Args:
        comparison: What `prepare` returned.
        routes: Largest number of fixed routes to try on the validation images.
        data_dir: Folder of the data, if they have moved since the training.
        batch_size: Number of images in a batch.

    Returns:
        The content of `router_worth.json`: `dataset`; `examples`, the number of test
        images; `unit` of all costs; `static`, the best fixed routes
        (`StaticFrontier.content`); for each of `thresholds` what `RouterWorth.at`
        returns; and `static_twin`, its accuracy and cost, if there is one.

    Raises:
        UserError: If the run has too few validation images, or the data are not its
            own.
        OSError: If the data are missing and cannot be downloaded.
    """
    run, table = comparison.run, comparison.table
    with worth_on_data(run, comparison.model, table, data_dir, batch_size) as (
        worth,
        dataset,
    ):
        content = {
            "dataset": dataset.name,
            "examples": dataset.num_examples("test"),
            **worth.content(comparison.thresholds, routes),
        }
    if table:
        content |= {"cost_table": table.name, "origin": provenance.origin(table)}
    if comparison.twin:
        evaluator = Evaluator(comparison.twin, table)
        result = evaluator.on(dataset, "test", 1.0, batch_size)
        cost = result[f"{worth.cost.unit}_mean"]
        content["static_twin"] = {"accuracy": result["accuracy"], "cost": cost}
    write_worth(run, content)
    return content


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


def _without_validation(run):
    return UserError(
        f"{run} has no validation images, by which fixed routes are chosen "
        f"(--validation_share=0): name a run that has."
    )


@contextlib.contextmanager
def worth_on_data(run: RunFolder, model, table, data_dir, batch_size: int):
    """Returns a context with a `RouterWorth` on the data of a run, and its `Dataset`.

    A bar shows the passes over the images.

    Args:
        run: `RunFolder` of a finished run.
        model: Its `RoutedModel`.
        table: `CostTable` in milliseconds, or `None` to count MACs.
        data_dir: Folder of the data, if they have moved since the training.
        batch_size: Number of images in a batch.

    Raises:
        UserError: If the run has no validation images, or the data are not its own.
        OSError: If the data are missing and cannot be downloaded.
    """
    dataset = load_data(run, data_dir)
    if not dataset.num_examples("validation"):
        raise _without_validation(run)
    with tqdm(unit=" passes", leave=False, disable=None, file=sys.stderr) as bar:

        def progress(text):
            bar.set_description(text)
            bar.update()

        passes = Passes(model, table, lambda split: dataset.batches(split, batch_size))
        yield RouterWorth(model, table, passes, progress), dataset


def write_worth(run: RunFolder, content: dict) -> None:
    """Writes `router_worth.json` and its plot into a run's folder.

    Args:
        run: `RunFolder` of a finished run.
        content: What `measure` returns.
    """
    with locked(run.path), whole_set(run.path) as temporary:
        write_json(temporary / f"{worth_report.NAME}.json", content)
        path = temporary / f"{worth_report.NAME}.png"
        worth_report.plot(path, content, f"{run.path.name}, {content['dataset']}")

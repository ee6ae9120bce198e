"""Measures the worth of the router of a run, and writes it into the run's folder."""

import contextlib
import sys

from tqdm import tqdm

from tfdyn.costs import provenance
from tfdyn.errors import UserError
from tfdyn.evaluation import worth_report
from tfdyn.evaluation.evaluator import Evaluator, load_data
from tfdyn.evaluation.passes import Passes
from tfdyn.evaluation.router_worth import RouterWorth
from tfdyn.files import check_writable, whole_set, write_json
from tfdyn.locks import locked
from tfdyn.runs.run_folder import RunFolder
from tfdyn.runs.tables import load_in_ms


def worth_of_run(
    run_dir,
    thresholds=None,
    routes: int = 128,
    cost_table=None,
    static_twin=None,
    data_dir=None,
    batch_size: int = 250,
) -> dict:
    """Compares a run's router with other routes; writes `router_worth.json` and a plot.

    Args:
        run_dir: Path of a finished run's folder.
        thresholds: List of thresholds T in (0, 1]. Default: that of the model.
        routes: Largest number of fixed routes to try on the validation images.
        cost_table: Path of a latency table. Default: costs are MACs.
        static_twin: Path of the folder of a run without a router, or `None`.
        data_dir: Folder of the data, if they have moved since the training.
        batch_size: Number of images in a batch.

    Returns:
        The content of `router_worth.json`: `dataset`; `examples`, the number of test
        images; `unit` of all costs; `static`, the best fixed routes
        (`StaticFrontier.content`); for each of `thresholds` what `RouterWorth.at`
        returns; and `static_twin`, its accuracy and cost, if there is one.

    Raises:
        UserError: If the run is not finished, has no router or no validation images, or
            a file or an argument is not as described.
        OSError: If the data are missing and cannot be downloaded.
    """
    run = RunFolder(run_dir)
    if run.finished:
        check_writable(run.path)
    model = run.load_model()
    if not model.has_routers:
        raise UserError(f"{run} has no router (--selection=none): name another run.")
    table = load_in_ms(cost_table) if cost_table else None
    twin = RunFolder(static_twin).load_model() if static_twin else None
    with worth_on_data(run, model, table, data_dir, batch_size) as (worth, dataset):
        # T may be one number for each MixedOp, where the training has set them.
        thresholds = thresholds or [model.threshold]
        content = {
            "dataset": dataset.name,
            "examples": dataset.num_examples("test"),
            **worth.content(thresholds, routes),
        }
    if table:
        content |= {"cost_table": table.name, "origin": provenance.origin(table)}
    if twin:
        result = Evaluator(twin, table).on(dataset, "test", 1.0, batch_size)
        cost = result[f"{worth.cost.unit}_mean"]
        content["static_twin"] = {"accuracy": result["accuracy"], "cost": cost}
    write_worth(run, content)
    return content


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
        raise UserError(
            f"{run} has no validation images, by which fixed routes are chosen "
            f"(--validation_share=0): name a run that has."
        )
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
        content: What `worth_of_run` returns.
    """
    with locked(run.path), whole_set(run.path) as temporary:
        write_json(temporary / f"{worth_report.NAME}.json", content)
        path = temporary / f"{worth_report.NAME}.png"
        worth_report.plot(path, content, f"{run.path.name}, {content['dataset']}")

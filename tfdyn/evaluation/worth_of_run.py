"""Measures the worth of the router of a run, and writes it into the run's folder."""

import contextlib
import sys

from tqdm import tqdm

from tfdyn.costs import provenance
from tfdyn.evaluation import worth_report
from tfdyn.evaluation.comparison import Comparison, without_validation
from tfdyn.evaluation.evaluator import Evaluator, load_data
from tfdyn.evaluation.passes import Passes
from tfdyn.evaluation.router_worth import RouterWorth
from tfdyn.files import whole_set, write_json
from tfdyn.locks import locked
from tfdyn.runs.run_folder import RunFolder


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
        raise without_validation(run)
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

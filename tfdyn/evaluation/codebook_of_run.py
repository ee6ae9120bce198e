"""Finds the routes of a codebook in a trained run, and writes them into a file."""

from tfdyn.evaluation.codebook_search import routes_of
from tfdyn.evaluation.worth_of_run import worth_on_data
from tfdyn.families.codebook import routes_file
from tfdyn.files import check_output
from tfdyn.routing.threshold import check_threshold
from tfdyn.runs.run_folder import RunFolder
from tfdyn.runs.tables import load_in_ms


def codebook_of_run(
    run_dir,
    output,
    size: int = 6,
    routes: int = 128,
    least_cost: float = 0.3,
    threshold: float | None = None,
    cost_table=None,
    data_dir=None,
    batch_size: int = 250,
) -> dict:
    """Chooses a few fixed routes that cover a range of costs, and writes them.

    The validation images choose the most accurate route, and the cheapest of the best
    ones. The routes of the codebook are the first of these up to some depth, and the
    second after it.

    Args:
        run_dir: Path of a finished run's folder.
        output: Path of the JSON file to write, for the setting `codebook`.
        size: Largest number of routes to choose.
        routes: Largest number of routes to try.
        least_cost: Each route costs at least this share of the most expensive.
        threshold: T at which the routes in use are tried first.
        cost_table: Path of a latency table. Default: costs are MACs.
        data_dir: Folder of the data, if they have moved since the training.
        batch_size: Number of images in a batch.

    Returns:
        Dict with `routes`, a list of dicts: `cost`, divided by that of the last;
        `validation_accuracy`; and `runs`, the branches as text.

    Raises:
        UserError: If the run is not finished or has no validation images, or an
            argument is not as described.
        OSError: If the data are missing, or the file cannot be written.
    """
    output = check_output("output", output, ".json", routes_file.is_ours)
    if threshold is not None:
        threshold = check_threshold(threshold)
    run = RunFolder(run_dir)
    model = run.load_model()
    table = load_in_ms(cost_table) if cost_table else None
    with worth_on_data(run, model, table, data_dir, batch_size) as (worth, _):
        thresholds = [threshold or model.threshold]
        kept, shares, accuracy = routes_of(
            model, worth, thresholds, routes, size, least_cost
        )
    whole, spec = model.unpruned(kept)
    routes_file.save(output, whole, shares, spec, run.settings().network)
    return {
        "routes": [
            {
                "cost": float(share),
                "validation_accuracy": float(right),
                "runs": model.route_spec.to_text(route),
            }
            for share, right, route in zip(shares, accuracy, kept, strict=True)
        ]
    }

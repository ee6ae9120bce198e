"""Evaluates a finished run on its test images, and writes the results."""

import math
import pathlib

from tfdyn.costs import provenance
from tfdyn.data import categories as category_sets
from tfdyn.errors import UserError
from tfdyn.evaluation import image_table, reports
from tfdyn.evaluation.evaluator import Evaluator, load_data
from tfdyn.evaluation.plot import plot
from tfdyn.evaluation.thresholds import (
    BUDGET_MS,
    LEAST_ACCURACY,
    TARGET_RATE,
    choose_thresholds,
)
from tfdyn.files import check_writable, whole_set, write_json
from tfdyn.locks import locked
from tfdyn.routing.threshold import check_threshold
from tfdyn.runs.run_folder import RunFolder
from tfdyn.runs.tables import load_table

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 1.0)


def evaluate(
    run_dir,
    thresholds=None,
    batch_size: int = 250,
    model_name: str = "model.keras",
    data_dir: str | None = None,
    cost_table: str | None = None,
    budgets_ms=(),
    categories: str | None = None,
    target_rates=(),
    per_image=None,
    inference_noise: bool = False,
    inference_temperature: float | None = None,
    least_accuracies=(),
) -> dict:
    """Evaluates a run on its test images; writes `evaluation.json` and a plot.

    Every branch runs only on the images that chose it.

    Args:
        run_dir: Path of a finished run's folder.
        thresholds: List of thresholds T in (0, 1] (default: `THRESHOLDS` and that of
            the model). A network without routers runs the same at every T, and is
            evaluated at 1 alone.
        batch_size: Number of images in a batch.
        model_name: "model.keras" (the end of the training) or "best.keras" (its best
            epoch on the validation images).
        data_dir: Folder of the data, if they have moved since the training.
        cost_table: Path of a cost table, whose cost is reported beside MACs. Default:
            that of the run, if it has just one (`tfdyn.runs.tables.load_table`).
        budgets_ms: List of limits on the mean milliseconds of an image. For each, a row
            is added at the largest T that meets it on the validation images.
        categories: Name or file of categories of classes, by which the use of branches
            is reported (`tfdyn.data.categories.load`). Default: those of the training.
        target_rates: List of shares of the branches' MACs. For each, a row is added at
            the largest T that meets it on the validation images.
        per_image: Path of a CSV file to write too, with one line for each test image
            and T (`tfdyn.evaluation.image_table`).
        inference_noise: Whether routers have the Gumbel noise of the training. DRNet's
            eq. 4 makes no exception for inference. The same noise is drawn at every T.
        inference_temperature: Temperature of DRNet's softmax, above 0, instead of that
            of the training's last epoch.
        least_accuracies: List of accuracies, from above 0 to 1. For each, a row is
            added at the smallest T that reaches it on the validation images.

    Returns:
        The content of `evaluation.json`: `dataset`, `split`, `examples` (number of
        images), `all_branches` and, for each threshold, budget, rate and accuracy, a
        row in `routed`. Accuracy is between 0 and 1; MACs and parameters are means over
        the images, of the branches on their routes. `use` holds the share of images
        that run each branch of each MixedOp, among `all` images and among those of each
        of the `categories`, at the `threshold` in `routed` nearest to the model's. It
        also holds `inference_noise` and `inference_temperature`, if they were set.

    Raises:
        UserError: If the run is not finished, another command writes into its folder,
            a file or an argument is not as described, or no threshold meets a budget, a
            rate or an accuracy.
        OSError: If the data are missing and cannot be downloaded.
    """
    if per_image:
        check_writable(pathlib.Path(per_image).parent)
    run = RunFolder(run_dir)
    if run.finished:
        check_writable(run.path)
    model = run.load_model(model_name)
    options = _call_options(model, inference_noise, inference_temperature)
    if thresholds is None:
        of_model = {model.threshold} if isinstance(model.threshold, float) else set()
        thresholds = sorted(of_model.union(THRESHOLDS))
    thresholds = check_threshold(list(thresholds))
    if not model.has_routers:
        thresholds = [1.0]
    path, table = load_table(run, cost_table, needed=bool(budgets_ms))
    dataset = load_data(run, data_dir)
    class_names = dataset.input_format.class_names
    categories = categories or run.settings().categories
    names = category_sets.names(categories, class_names)
    evaluator = Evaluator(model, table, names, options=options)
    rows = [{"threshold": threshold} for threshold in [1.0, *thresholds]]
    if isinstance(model.threshold, list):
        rows.append({"threshold": tuple(model.threshold)})
    # Before what takes minutes: two evaluations would write the same files.
    with locked(run.path):
        for goal, limits in (
            (BUDGET_MS, budgets_ms),
            (TARGET_RATE, target_rates),
            (LEAST_ACCURACY, least_accuracies),
        ):
            rows += choose_thresholds(goal, limits, evaluator, dataset, batch_size)
        results, images = {}, {}
        for threshold in dict.fromkeys(row["threshold"] for row in rows):
            of_images = evaluator.images_of(dataset, "test", threshold, batch_size)
            results[threshold] = evaluator.summary(of_images)
            if per_image:
                images[threshold] = of_images
        pairs = [
            (row["threshold"], {**row, **results[row["threshold"]]}) for row in rows
        ]
        shown = _nearest(model, [threshold for threshold, _ in pairs[1:]])
        origin = provenance.origin(table) if table else None
        content = reports.evaluation(
            dataset.name, model_name, pairs, path, shown, origin
        )
        content |= {f"inference_{name}": value for name, value in options.items()}
        if per_image:
            image_table.write(per_image, images, class_names, model.route_spec)
        with whole_set(run.path) as temporary:
            title = reports.inference_options(content)
            plot(temporary / "evaluation.png", pairs[1:], shown, title)
            write_json(temporary / "evaluation.json", content)
    return content


def _call_options(model, noise, temperature):
    """Returns the further arguments of the model's call."""
    if temperature is not None and not 0 < temperature < math.inf:
        raise UserError(f"--inference_temperature must be above 0; got {temperature}.")
    options = {"noise": noise or None, "temperature": temperature}
    options = {name: value for name, value in options.items() if value is not None}
    reasons = {
        "noise": "only DRNet's routers of --selection=gumbel_softmax can have noise in "
        "inference",
        "temperature": "only DRNet's routers have a temperature in inference",
    }
    for name in options:
        if name not in model.call_options:
            raise UserError(
                f"--inference_{name} does not change {model.name}: {reasons[name]}. "
                f"Leave it out."
            )
    return options


def _nearest(model, thresholds):
    """Returns the index of the threshold that is nearest to the model's."""
    if isinstance(model.threshold, list):
        return thresholds.index(tuple(model.threshold))
    distances = [abs(threshold - model.threshold) for threshold in thresholds]
    return distances.index(min(distances))

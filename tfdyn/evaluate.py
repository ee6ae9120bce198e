"""Evaluates a run on its test set: `python -m tfdyn.evaluate --run_dir=runs/NAME`."""

from absl import flags

from tfdyn import commands

FLAGS = flags.FLAGS
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 1.0)


def evaluate(
    run_dir,
    thresholds=THRESHOLDS,
    batch_size=250,
    model_name="model.keras",
    data_dir=None,
    cost_table=None,
    budgets_ms=(),
    categories=None,
    rates=(),
):
    """Evaluates a run on its test set, and writes `evaluation.json` and a plot.

    Every branch is run only on the images that chose it.

    Args:
        run_dir: Folder of a finished run.
        thresholds: Thresholds T, in (0, 1]; a network without routers, which runs the
            same at each, is evaluated at 1 alone.
        batch_size: Images at once.
        model_name: "model.keras" (the end of the training) or "best.keras" (its best
            epoch on the validation share).
        data_dir: Where the data are, if not where the training found them.
        cost_table: Path of a cost table to report too; default: the run's own, if
            it has just one (`tfdyn.evaluation.budget.load_table`).
        budgets_ms: Mean milliseconds an image, for each of which the largest T that
            meets it on the validation share is evaluated too.
        categories: Categories of classes to tell the use of branches of
            (`tfdyn.data.categories.load`); default: those of the training.
        rates: Shares of the branches' MACs, for each of which the largest T
            that keeps to it on the validation share is evaluated too.

    Returns:
        What `evaluation.json` holds: `dataset`, `split`, `examples`, `all_branches`
        and, for each threshold, budget and rate, `routed`; accuracy between 0 and 1,
        MACs and parameters of an input's route, and what the table predicts; `use`,
        the share of images that ran a branch at the model's own threshold or the
        nearest to it, of `all` and of the `categories`, by MixedOp and branch.

    Raises:
        ValueError: If the run is not finished, a threshold is out of range, or there
            is none for a budget or a rate.
    """
    from tfdyn.data.categories import names
    from tfdyn.evaluation import budget, reports, target_rates
    from tfdyn.evaluation.evaluator import Evaluator, load_data
    from tfdyn.evaluation.plot import plot
    from tfdyn.files import write_json
    from tfdyn.routing.threshold import check_threshold
    from tfdyn.runs.run_folder import RunFolder

    folder = RunFolder(run_dir)
    model = folder.load_model(model_name)
    thresholds = check_threshold(list(thresholds))
    if not any(module.kind == "router" for module in model.modules):
        thresholds = [1.0]  # It runs the same at every T.
    path, table = budget.load_table(folder, cost_table, needed=bool(budgets_ms))
    dataset = load_data(folder, data_dir)
    categories = categories or folder.settings().categories
    categories = names(categories, dataset.input_format.class_names)
    evaluator = Evaluator(model, table, categories)
    choices = budget.thresholds_for(budgets_ms, evaluator, dataset, batch_size)
    choices += target_rates.thresholds_for(rates, evaluator, dataset, batch_size)
    if isinstance(model.threshold, list):
        thresholds.append(tuple(model.threshold))
    rows = [{"threshold": threshold} for threshold in [1.0, *thresholds]] + choices
    thresholds = [row["threshold"] for row in rows]
    results = {
        threshold: evaluator.on(dataset, "test", threshold, batch_size)
        for threshold in dict.fromkeys(thresholds)
    }
    pairs = [(row["threshold"], {**row, **results[row["threshold"]]}) for row in rows]
    shown = _nearest(model, thresholds[1:])
    content = reports.evaluation(dataset.name, model_name, pairs, path, shown)
    write_json(folder / "evaluation.json", content)
    plot(folder / "evaluation.png", pairs[1:], shown)
    return content


def _nearest(model, thresholds):
    """Returns the index of the threshold that is the model's own, or nearest to it."""
    if isinstance(model.threshold, list):
        return thresholds.index(tuple(model.threshold))
    distances = [abs(threshold - model.threshold) for threshold in thresholds]
    return distances.index(min(distances))


def main():
    """Runs the command on the flags."""
    from tfdyn.evaluation import reports
    from tfdyn.runs.run_folder import newest_run

    folder = FLAGS.run_dir or newest_run().path
    content = evaluate(
        folder,
        FLAGS.thresholds,
        FLAGS.batch_size,
        f"{FLAGS.weights}.keras",
        FLAGS.data_dir,
        FLAGS.cost_table,
        FLAGS.budget_ms or (),
        FLAGS.categories,
        FLAGS.target_rate or (),
    )
    if FLAGS.json:
        commands.print_json(content)
    else:
        print(f"wrote {folder}/evaluation.json and evaluation.png\n")
        print(reports.table(content, folder))


if __name__ == "__main__":
    flags.DEFINE_string("run_dir", None, "Run folder (default: the newest in runs/).")
    flags.DEFINE_list("thresholds", [str(t) for t in THRESHOLDS], "Thresholds T.")
    flags.DEFINE_integer("batch_size", 250, "Images at once.")
    flags.DEFINE_enum(
        "weights", "model", ["model", "best"], "Last epoch, or the best in validation."
    )
    flags.DEFINE_string("data_dir", None, "Where the data are, if they have moved.")
    flags.DEFINE_string(
        "cost_table", None, "Cost table to report too (default: the run's own)."
    )
    flags.DEFINE_list(
        "budget_ms",
        None,
        "Mean milliseconds an image: finds the largest T that meets each by the table, "
        "on the validation images.",
    )
    flags.DEFINE_string(
        "categories",
        None,
        "Categories of classes to tell the use of branches of: none, cifar10, cifar100 "
        "or a JSON file (default: those of the training).",
    )
    flags.DEFINE_list(
        "target_rate",
        None,
        "Share of the branches' MACs: finds the largest T at which no more run, on the "
        "validation images.",
    )
    commands.define_json()
    commands.run(main)

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
):
    """Evaluates a run on its test set, and writes `evaluation.json` and a plot.

    Every branch is run only on the images that chose it.

    Args:
        run_dir: Folder of a finished run.
        thresholds: Thresholds T, in (0, 1].
        batch_size: Images at once.
        model_name: "model.keras" (the end of the training) or "best.keras" (its best
            epoch on the validation share).
        data_dir: Where the data are, if not where the training found them.
        cost_table: Path of a cost table to report too.

    Returns:
        What `evaluation.json` holds: `dataset`, `split`, `examples`, `all_branches`
        and, for each threshold, `routed`; accuracy between 0 and 1, MACs and
        parameters of an input's route.

    Raises:
        ValueError: If the run is not finished, or a threshold is out of range.
    """
    from tfdyn.costs.cost_table import CostTable
    from tfdyn.data.dataset import load
    from tfdyn.files import write_json
    from tfdyn.routing.threshold import check_threshold
    from tfdyn.training import reports
    from tfdyn.training.evaluator import Evaluator
    from tfdyn.training.run_folder import RunFolder

    folder = RunFolder(run_dir)
    settings = folder.settings()
    model = folder.load_model(model_name)
    dataset = load(settings.dataset, data_dir or settings.data_dir, settings.image_size)
    if dataset.input_format != folder.input_format():
        raise ValueError(
            f"The data ({dataset.input_format}) are not what {folder} was trained on "
            f"({folder.input_format()}). Give the right ones by --data_dir."
        )
    table = CostTable.load(cost_table) if cost_table else None
    evaluator = Evaluator(model, table)
    thresholds = check_threshold(list(thresholds))
    if isinstance(model.threshold, list):
        thresholds.append(tuple(model.threshold))
    results = {}
    for threshold in dict.fromkeys([1.0, *thresholds]):
        with _bar(dataset.num_examples("test"), reports.label(threshold)) as bar:
            batches = dataset.batches("test", batch_size)
            results[threshold] = evaluator(batches, threshold, bar.update)
    pairs = [(threshold, results[threshold]) for threshold in [1.0, *thresholds]]
    content = reports.evaluation(dataset.name, model_name, pairs)
    write_json(folder / "evaluation.json", content)
    reports.plot(folder / "evaluation.png", pairs[1:], _nearest(model, thresholds))
    return content


def _nearest(model, thresholds):
    """Returns the index of the threshold that is the model's own, or nearest to it."""
    if isinstance(model.threshold, list):
        return len(thresholds) - 1
    distances = [abs(threshold - model.threshold) for threshold in thresholds]
    return distances.index(min(distances))


def _bar(total, title):
    from tqdm import tqdm

    return tqdm(total=total, desc=title, unit=" images", leave=False, disable=None)


def main():
    """Runs the command on the flags."""
    from tfdyn.training import reports
    from tfdyn.training.run_folder import newest_run

    folder = FLAGS.run_dir or newest_run().path
    content = evaluate(
        folder,
        FLAGS.thresholds,
        FLAGS.batch_size,
        f"{FLAGS.weights}.keras",
        FLAGS.data_dir,
        FLAGS.cost_table,
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
    flags.DEFINE_string("cost_table", None, "Cost table to report too.")
    commands.define_json()
    commands.run(main)

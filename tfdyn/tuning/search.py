"""A search from settings and a space to its result, read top to bottom."""

import contextlib
import sys
from collections.abc import Sequence
from typing import TextIO

import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.files import write_json
from tfdyn.locks import locked
from tfdyn.routing.threshold import check_threshold
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.training.distribution import Distribution
from tfdyn.tuning import checks, cluster, oracles, report, results
from tfdyn.tuning.rungs import resources
from tfdyn.tuning.search_folder import SearchFolder
from tfdyn.tuning.space import Space
from tfdyn.tuning.trial import TrialTraining, follow
from tfdyn.tuning.tuner import TrainingTuner


def search(
    settings: Settings,
    space_path,
    search_dir,
    objective: Sequence[str],
    tuner: str = "bayesian",
    max_trials: int = 12,
    thresholds: Sequence[float] = (0.5, 0.7, 0.8, 0.9, 1.0),
    latency_table: str | None = None,
    beside: str | None = None,
    strategy: str = "one_device",
    output: TextIO | None = None,
) -> dict | None:
    """Searches for settings, or resumes a search that was stopped.

    Args:
        settings: `Settings` that all trials share.
        space_path: File of the space.
        search_dir: Path of the search's folder: a new one, or one of the same search.
        objective: Texts of the objectives; their sum is raised.
        tuner: One of `tfdyn.tuning.oracles.NAMES`.
        max_trials: Largest number of trials. A finished search with a larger number
            goes on, but not hyperband, whose rungs follow from it.
        thresholds: Values of T at which each trial is evaluated.
        latency_table: Path of a table in milliseconds (default: the `cost_table` of the
            settings, if it is in milliseconds).
        beside: Path of a finished run whose points are shown beside the frontier.
        strategy: Strategy of each training (`Distribution`).
        output: Text stream for a line on each trial. Default: standard error.

    Returns:
        The content of `results.json`, as `tfdyn.tuning.results.results` returns it;
        `None` in a worker, because the chief writes it.

    Raises:
        UserError: If an argument is not as described, the folder holds another search,
            or several trials in a row have failed.
        OSError: If a file cannot be read or written.
        WorkerLostError: If another worker of a training is lost.
    """
    output = output or sys.stderr
    # Each trial is another network: that they are traced is no mistake.
    tf.get_logger().addFilter(lambda record: "retracing" not in record.getMessage())
    part, distribution = cluster.role(), Distribution(strategy)
    try:
        thresholds = check_threshold(list(thresholds))
    except UserError as error:
        raise UserError(f"--thresholds: {error}") from error
    space = Space.load(space_path, settings)
    table, latency_table = checks.find_table(settings, latency_table)
    checks.check_settings(settings, beside)
    resource = None
    if tuner == "hyperband":
        checks.check_hyperband(space)
        resource = resources(settings, max_trials)
    objectives = checks.find_objectives(settings, objective, table)
    folder = SearchFolder(search_dir)
    if not distribution.is_chief:
        with distribution.watch_workers():
            follow(folder, distribution, output)
        return None
    folder.path.mkdir(parents=True, exist_ok=True)
    with _writing(folder, part):
        folder.start(
            {
                "space": str(space),
                "tuner": tuner,
                "objective": ",".join(objective),
                "flagfile": _changes(settings),
                "thresholds": thresholds,
                "latency_table": latency_table,
                # Hyperband's rungs follow from it.
                "max_trials": max_trials if resource else None,
            }
        )
        name = "+".join(each.name for each in objectives)
        hyperparameters = space.hyperparameters()
        oracle = oracles.make(
            tuner, name, hyperparameters, max_trials, settings.seed, resource
        )
        trial = TrialTraining(
            folder,
            settings,
            space,
            objectives,
            thresholds,
            table,
            resource,
            distribution,
            output,
        )
        if records := folder.records():
            output.write(f"{folder} holds {len(records)} ended trials: going on\n")
        output.write(f"each trial prints into {folder}/trials/NUMBER.log\n")
        if part == "chief":
            cluster.check_port()
            output.write(f"the chief waits for workers at {cluster.address()}\n")
        if part == "worker":
            output.write(f"this worker asks for trials at {cluster.address()}\n")
        with cluster.answering_chief(part), distribution.watch_workers():
            TrainingTuner(oracle, folder, trial, output).search()
            distribution.from_chief(0)  # No trial is left.
        if part == "worker":
            output.write(
                "no trial is left for this worker; the chief writes the result\n"
            )
            return None
        unit = "ms" if any(each.unit == "ms" for each in objectives) else "macs"
        content = results.results(folder.records(), objectives, unit)
        results.add_test(content, folder.run, latency_table)
        if beside:
            content["beside"] = results.points_beside(
                beside, thresholds, objectives, table, settings.data_dir
            )
        _write(folder, content)
    return content


def _changes(settings):
    """Returns the lines of a flagfile that are no defaults: new settings add none."""
    defaults = to_flagfile(Settings()).splitlines()
    lines = to_flagfile(settings).splitlines()
    return "\n".join(line for line in lines if line not in defaults)


def _writing(folder, part):
    """Returns the context in which no other process may lead the same search."""
    return contextlib.nullcontext() if part == "worker" else locked(folder.path)


def _write(folder, content):
    """Writes the result, and the run folder and the flagfile of the best trial."""
    best = content["best"]
    comments = [
        f"A search in {folder} led to these settings.",
        report.best_line(best),
    ]
    if best["resumed"] is not None:
        comments.append(
            f"It is a rung of hyperband and resumed trial {best['resumed']}: a "
            f"training from the start differs a little."
        )
    threshold = best["point"]["threshold"] if best["point"] else None
    folder.write_best(best["trial"], comments, threshold)
    report.plot(folder / "frontier.png", content)
    write_json(folder / "results.json", content)

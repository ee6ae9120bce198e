"""A trial: settings from the values that keras-tuner draws, trained and evaluated."""

import dataclasses
import gc
import sys
from collections.abc import Sequence
from typing import TextIO

import keras

from tfdyn.costs.cost_table import CostTable
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.files import write_text
from tfdyn.settings.flagfiles import to_flagfile
from tfdyn.training.distribution import Distribution
from tfdyn.training.trainer import train
from tfdyn.tuning.next_rung import carry
from tfdyn.tuning.objective import Objective
from tfdyn.tuning.points import points_of_run
from tfdyn.tuning.rungs import scaled
from tfdyn.tuning.search_folder import SearchFolder
from tfdyn.tuning.space import Space


@dataclasses.dataclass(frozen=True)
class TrialTraining:
    """Trains and evaluates the trials of a search.

    Attributes:
        folder: `SearchFolder`.
        settings: `Settings` that all trials share.
        space: `Space`.
        objectives: Objectives, whose sum is the score.
        thresholds: Values of T at which each trial is evaluated.
        table: `CostTable` in milliseconds, if there is one.
        resource: For hyperband, how many times the smallest rung the largest is.
        distribution: `Distribution` of each training.
        output: Text stream for a line on each trial. Default: standard error.
    """

    folder: SearchFolder
    settings: Settings
    space: Space
    objectives: Sequence[Objective]
    thresholds: Sequence[float]
    table: CostTable | None = None
    resource: int | None = None
    distribution: Distribution = dataclasses.field(default_factory=Distribution)
    output: TextIO | None = None

    def __call__(self, number: int, values: dict) -> dict:
        """Trains a trial, or resumes its training, and evaluates it.

        Args:
            number: Number of the trial, from 0.
            values: Values that keras-tuner has drawn, by name. Those of hyperband that
                begin with "tuner/" say which rung it is.

        Returns:
            The record of the trial, which is written too: `trial`, `values`, `share`
            of the epochs, `resumed` (the number of the trial whose checkpoint it
            resumes, or `None`), `status`, `points`, `objectives` and `score`.

        Raises:
            UserError: If the settings exclude each other, or the training diverges.
        """
        output = self.output or sys.stderr
        # Of the trials before: their graphs and weights.
        keras.utils.clear_session()
        gc.collect()
        drawn = self.space.values(values)
        share, resumed = self._rung(values)
        settings = scaled(dataclasses.replace(self.settings, **drawn), share)
        run = self.folder.run(number)
        words = [f"{name}={value}" for name, value in drawn.items()]
        words += [f"{share:.3g} of the epochs"] if share < 1 else []
        words += [f"resumes trial {resumed}"] if resumed is not None else []
        output.write(f"trial {number}: {', '.join(words)}\n")
        output.flush()
        if resumed is not None:
            carry(self.folder.run(resumed), run, settings)
        run.path.mkdir(parents=True, exist_ok=True)
        if not (run / "flags.txt").exists():
            write_text(run / "flags.txt", to_flagfile(settings))
        self.distribution.from_chief(number + 1)
        log = self.folder / f"trials/{number:04d}.log"
        with open(log, "a", buffering=1, encoding="utf-8") as file:
            train(settings, run.path, file, self.distribution)
        points = points_of_run(run, self.thresholds, self.objectives, self.table)
        objectives = {each.name: each.value(points) for each in self.objectives}
        record = {"trial": number, "values": drawn, "share": share, "resumed": resumed}
        record |= {"status": "finished", "points": points, "objectives": objectives}
        record["score"] = sum(objectives.values())
        self.folder.write_record(record)
        numbers = ", ".join(f"{name} {x:.4f}" for name, x in objectives.items())
        output.write(f"trial {number}: {numbers}\n")
        output.flush()
        return record

    def _rung(self, values):
        """Returns the share of the epochs, and which trial's checkpoint is resumed."""
        if "tuner/epochs" not in values:
            return 1.0, None
        previous = values.get("tuner/trial_id")
        share = values["tuner/epochs"] / self.resource
        return share, None if previous is None else int(previous)


def follow(folder: SearchFolder, distribution: Distribution, output: TextIO) -> None:
    """Trains what the chief of a cluster of `TF_CONFIG` trains, until it ends.

    The chief alone asks for trials, evaluates and reports them.

    Args:
        folder: `SearchFolder`, which all workers of the cluster share.
        distribution: `Distribution` over the workers.
        output: Text stream for what the trainings print.
    """
    while number := distribution.from_chief(0):
        keras.utils.clear_session()
        run = folder.run(number - 1)
        try:
            train(run.settings(), run.path, output, distribution)
        except UserError as error:  # The chief records it.
            output.write(f"trial {number - 1} failed: {error}\n")

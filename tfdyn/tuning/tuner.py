"""TrainingTuner: the tuner of keras-tuner whose trials are trainings of tfdyn."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import TrialStatus

from tfdyn.errors import UserError
from tfdyn.locks import LockedError

# After so many failed trials in a row, something is wrong with all of them.
MOST_FAILURES = 3
# Seconds until an oracle that has no trial to run now is asked again.
PAUSE = 1.0


class TrainingTuner(BaseTuner):
    """Asks an oracle for trials, trains them, and reports their objective.

    keras-tuner's files are left to the oracle, which writes them whole. A failed trial
    (a training that diverged, settings that exclude each other) is recorded, and the
    search goes on; any other error ends it, and the same command resumes it.

    Args:
        oracle: Oracle of `tfdyn.tuning.oracles`.
        folder: `SearchFolder`.
        train: Function of a trial's number and values that trains and evaluates it,
            and returns its record.
        output: Text stream for a line on each trial. Default: standard error.

    Raises:
        UserError: If a trial has ended, and its record is gone or broken.
    """

    def __init__(self, oracle, folder, train: Callable, output: TextIO | None = None):
        oracle.run_of = folder.run
        super().__init__(oracle, directory=str(folder.path), project_name="keras_tuner")
        if not self._is_worker():
            oracle.reload()
            _check_records(oracle, folder)
        self._folder, self._train = folder, train
        self._output, self._failures = output or sys.stderr, 0
        self._idle = False

    def save(self):
        """Writes the state of the search, unless another process has it."""
        if not self._is_worker():
            self.oracle.save()

    def pre_create_trial(self):
        """Waits before an oracle is asked again that had no trial to run."""
        if self._idle:
            time.sleep(PAUSE)
        self._idle = True

    def on_trial_begin(self, trial):
        """Notes that there is a trial to run."""
        self._idle = False

    def run_trial(self, trial):
        """Trains and evaluates a trial, or returns what it has led to before.

        Args:
            trial: `keras_tuner.engine.trial.Trial`.

        Returns:
            The objective, by name.

        Raises:
            UserError: If it has failed.
        """
        number = int(trial.trial_id)
        record = self._folder.record(number)
        if record is None:
            record = self._train(number, dict(trial.hyperparameters.values))
        if record["status"] == "failed":
            raise UserError(record["message"])
        return {self.oracle.objective.name: record["score"]}

    def _try_run_and_update_trial(self, trial, *fit_args, **fit_kwargs):
        # keras-tuner's takes every error for a failed trial, and prints its trace.
        try:
            self.oracle.update_trial(trial.trial_id, self.run_trial(trial))
        except LockedError:
            raise
        except UserError as error:
            trial.status, trial.message = TrialStatus.FAILED, str(error)
            self._fail(trial, str(error))
        else:
            trial.status, self._failures = TrialStatus.COMPLETED, 0

    def _fail(self, trial, message):
        number = int(trial.trial_id)
        record = self._folder.record(number)
        if record is None:
            values = dict(trial.hyperparameters.values)
            record = {"trial": number, "values": values}
            record |= {"status": "failed", "message": message}
            self._folder.write_record(record)
        self._output.write(f"trial {number} failed: {message}\n")
        self._failures += 1

    def on_trial_end(self, trial):
        """Reports the end of a trial to the oracle.

        Raises:
            UserError: If as many trials as `MOST_FAILURES` have failed in a row.
        """
        super().on_trial_end(trial)
        if self._failures >= MOST_FAILURES:
            raise UserError(
                f"{self._failures} trials have failed in a row, the last one because: "
                f"{trial.message} Mend that in the space or the settings, and search "
                f"in another --search_dir; or run the same command to try others."
            )


def _check_records(oracle, folder):
    """Refuses a folder that has lost a trial, which would be missing in the result."""
    for trial_id, trial in oracle.trials.items():
        number = int(trial_id)
        if trial.status == TrialStatus.COMPLETED and folder.record(number) is None:
            raise UserError(
                f"{folder} has lost trial {number}, which had ended: restore "
                f"trials/{number:04d}.json and the folder trials/{number:04d}, or "
                f"choose another --search_dir."
            )

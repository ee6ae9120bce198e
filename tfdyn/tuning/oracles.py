"""Oracles: keras-tuner's, with a state that a kill at any moment leaves whole.

keras-tuner writes its files in place, one after another: a kill in between leaves a
file cut off, or a trial that nobody runs. Its grid search forgets its queue. Here all
of the state is one file, which is written whole. All private attributes of keras-tuner
that tfdyn uses are in this file and in `tfdyn.tuning.tuner`.
"""

import pathlib
import warnings

import keras_tuner
import numpy as np
from keras_tuner import oracles
from keras_tuner.engine.trial import Trial
from sklearn.exceptions import ConvergenceWarning

from tfdyn.errors import UserError
from tfdyn.files import write_json
from tfdyn.locks import is_locked
from tfdyn.reading import read_json
from tfdyn.tuning.rungs import FACTOR, iterations

NAMES = ("random", "bayesian", "hyperband", "grid")
# A failure in the chief would end in a lock that nobody releases: workers count them.
NEVER = 10**9


class WholeState:
    """Part of an oracle that keeps its state in one file.

    Attributes:
        run_of: Function of the number of a trial that returns its `RunFolder`.
    """

    run_of = None

    def save(self):
        """Writes the state, whole or not at all."""
        trials = [trial.get_state() for trial in self.trials.values()]
        write_json(
            self._get_oracle_fname(), {"state": self.get_state(), "trials": trials}
        )

    def _save_trial(self, trial):
        """Writes nothing: `save` writes all trials, and is called after this."""

    def reload(self):
        """Reads the state, if there is one.

        A trial that was running runs again, unless another process is training it.

        Raises:
            UserError: If the file is broken.
        """
        path = pathlib.Path(self._get_oracle_fname())
        if not path.exists():
            return
        mend = "Restore it, or choose another --search_dir."
        content = read_json(path, "the state of a search", mend)
        try:
            for state in content["trials"]:
                trial = Trial.from_state(state)
                self.trials[trial.trial_id] = trial
            self.set_state(content["state"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(
                f"{path} is not the state of a search ({type(error).__name__}: "
                f"{error}). {mend}"
            ) from error
        for tuner, trial in list(self.ongoing_trials.items()):
            if not is_locked(self.run_of(int(trial.trial_id)).path):
                del self.ongoing_trials[tuner]
                self._retry_queue.append(trial.trial_id)

    def populate_space(self, trial_id):
        """As keras-tuner, without the warnings of a Gaussian process of few points."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)

    @keras_tuner.synchronized
    def end_trial(self, trial):
        """As keras-tuner. The values of a trial stay as this oracle has drawn them.

        Those that come from a worker were rounded on their way.
        """
        trial.hyperparameters = self.trials[trial.trial_id].hyperparameters
        super().end_trial(trial)


class RandomOracle(WholeState, oracles.RandomSearchOracle):
    """keras-tuner's random search."""


class BayesianOracle(WholeState, oracles.BayesianOptimizationOracle):
    """keras-tuner's Bayesian optimisation."""

    def populate_space(self, trial_id):
        """As keras-tuner. Its random numbers follow from the number of the trial."""
        self._random_state = np.random.RandomState(self.seed + len(self.trials))
        return super().populate_space(trial_id)


class HyperbandOracle(WholeState, oracles.HyperbandOracle):
    """keras-tuner's hyperband."""


class GridOracle(WholeState, oracles.GridSearchOracle):
    """keras-tuner's grid search."""

    def get_state(self):
        # The first trial stays first: each later one goes in after another.
        trial_ids = self.start_order[:1]
        while (
            trial_ids and (after := self._ordered_ids.next(trial_ids[-1])) is not None
        ):
            trial_ids.append(after)
        return super().get_state() | {
            "ordered": trial_ids,
            "populate_next": list(self._populate_next),
        }

    def set_state(self, state):
        super().set_state(state)
        for trial_id in state["ordered"]:
            self._ordered_ids.insert(trial_id)
        self._populate_next = list(state["populate_next"])


def make(name, objective: str, hyperparameters, max_trials, seed, resource=None):
    """Returns an oracle of keras-tuner.

    Args:
        name: One of `NAMES`.
        objective: Name of the number that is raised.
        hyperparameters: `keras_tuner.HyperParameters`, the space.
        max_trials: Largest number of trials.
        seed: Seed of the search, from 0.
        resource: For hyperband, how many times the smallest rung the largest is.
    """
    arguments = {
        "objective": keras_tuner.Objective(objective, "max"),
        "hyperparameters": hyperparameters,
        "seed": seed + 1,  # keras-tuner takes 0 for "none".
        "allow_new_entries": False,
        "tune_new_entries": True,
        "max_consecutive_failed_trials": NEVER,
    }
    if name == "random":
        oracle = RandomOracle(max_trials=max_trials, **arguments)
    elif name == "grid":
        oracle = GridOracle(max_trials=max_trials, **arguments)
    elif name == "bayesian":
        dimensions = len(hyperparameters.space)
        first = max(2, min(3 * dimensions, max_trials // 3))
        oracle = BayesianOracle(
            max_trials=max_trials, num_initial_points=first, **arguments
        )
    else:
        oracle = HyperbandOracle(
            max_epochs=resource,
            factor=FACTOR,
            hyperband_iterations=iterations(resource, max_trials),
            **arguments,
        )
    oracle.verbose = 0
    return oracle

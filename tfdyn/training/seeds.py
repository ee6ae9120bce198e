"""The random numbers of an epoch, which its number and the seed decide."""

import keras
import numpy as np


def reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Sets the random generators of a model to a state for one epoch.

    Args:
        model: Keras model, changed in place.
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.
    """
    weights = {id(weight) for weight in model.weights}
    states = [v for v in model.variables if id(v) not in weights]
    sequence = np.random.SeedSequence([seed, epoch])
    for state, child in zip(states, sequence.spawn(len(states)), strict=True):
        state.assign(child.generate_state(2).astype(state.dtype))

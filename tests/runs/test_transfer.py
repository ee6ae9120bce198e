import numpy as np
import pytest
from tiny_settings import tiny_settings

from tfdyn.data.input_format import InputFormat
from tfdyn.families.networks import build_network
from tfdyn.runs.transfer import transfer
from tfdyn.training.trainer import train

DIGITS = InputFormat(tuple("0123456789"), (8, 8, 1), (0.3,), (0.4,))
LETTERS = InputFormat(tuple("abcde"), (8, 8, 1), (0.3,), (0.4,))


def network(input_format, **changes):
    settings = tiny_settings(**changes)
    return build_network(settings, input_format.shape, len(input_format.class_names))


def same(model, source, part):
    pairs = zip(model.inference_weights, source.weights, strict=True)
    selected = [(a, b) for a, b in pairs if part in a.path.split("/")]
    assert selected
    return all(a.shape == b.shape and np.array_equal(a, b) for a, b in selected)


def test_the_same_classes_keep_the_head(tiny_run):
    model, source = network(DIGITS), tiny_run.load_model()
    assert not same(model, source, "cell_0")
    transfer(tiny_run, model, DIGITS)
    for part in ("stem", "cell_0", "head"):
        assert same(model, source, part)


def test_other_classes_get_a_new_head(tiny_run):
    model, source = network(LETTERS), tiny_run.load_model()
    transfer(tiny_run, model, LETTERS)
    assert same(model, source, "stem") and same(model, source, "cell_0")
    assert not same(model, source, "head")


def test_another_network_is_an_error(tiny_run):
    for changes in ({"filters": 6}, {"num_cells": 2}):
        with pytest.raises(ValueError, match="a run of another network"):
            transfer(tiny_run, network(DIGITS, **changes), DIGITS)


def test_images_of_other_channels_are_an_error(tiny_run):
    colour = InputFormat(tuple("abcde"), (8, 8, 3), (0.3,) * 3, (0.4,) * 3)
    with pytest.raises(ValueError, match="images of as many channels"):
        transfer(tiny_run, network(colour), colour)


def test_a_training_starts_from_it(tiny_run, tmp_path):
    settings = tiny_settings(
        init_from=str(tiny_run.path),
        pretrain_epochs=0,
        finetune_learning_rate=0.0,
        weight_decay=0.0,
    )
    model = train(settings, tmp_path / "run").load_model()
    trained = zip(
        model.trainable_weights, tiny_run.load_model().trainable_weights, strict=True
    )
    assert all(np.array_equal(ours, theirs) for ours, theirs in trained)

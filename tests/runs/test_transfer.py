import numpy as np
import pytest
from tiny_networks import IMAGES, make_dmnn, make_instanas, run
from tiny_settings import tiny_settings

from tfdyn.data.input_format import InputFormat
from tfdyn.families.codebook.codebook import Codebook
from tfdyn.families.networks import build_network
from tfdyn.runs.run_folder import RunFolder
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


class Run(RunFolder):
    """Stands in for the folder of a finished run."""

    def __init__(self, model, input_format):
        super().__init__("somewhere")
        self.load_model, self.input_format = lambda: model, lambda: input_format


ABC = InputFormat(tuple("abc"), (8, 8, 1), (0.3,), (0.4,))
ROUTES = np.asarray([[1, 1, 0, 0, 0, 0, 0, 0], [1] * 8], "float32")


def codebook(base=make_dmnn, routes=ROUTES, seed=1):
    arguments = {"selection": "none"} if base is make_dmnn else {}
    model = Codebook(base(seed=seed, **arguments), routes, [0.5, 1.0])
    for weight in model.correction.weights:
        weight.assign(np.random.default_rng(seed).random(weight.shape))
    return model


@pytest.mark.parametrize("selection", ["gumbel_softmax", "none"])
def test_a_codebook_gets_the_weights_of_its_network(selection):
    source, model = make_dmnn(selection=selection), codebook()
    routers = [np.array(w) for r in model.routers if r for w in r.weights]
    transfer(Run(source, ABC), model, ABC)
    route = model.route_spec.split(np.repeat(ROUTES[:1], len(IMAGES), axis=0))
    expected = run(source, IMAGES, route=route)["logits"]
    logits = run(model.base, IMAGES, route=route)["logits"]
    np.testing.assert_allclose(logits, expected, atol=1e-6)
    kept = [np.array(w) for r in model.routers if r for w in r.weights]
    for old, new in zip(routers, kept, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_codebook_of_a_network_that_always_has_routers():
    count = make_instanas().route_spec.size // 5
    routes = np.tile(np.eye(5, dtype="float32")[:2], count)
    source, model = make_instanas(seed=3), codebook(make_instanas, routes)
    transfer(Run(source, ABC), model, ABC)
    for ours, theirs in zip(model.base.weights, source.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_codebook_of_the_same_routes_is_copied_as_a_whole():
    source, model = codebook(seed=2), codebook()
    transfer(Run(source, ABC), model, ABC)
    for ours, theirs in zip(model.weights, source.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("other", ["routes", "classes", "codebook"])
def test_of_another_codebook_the_network_is_copied_alone(other):
    source, model = (
        codebook(seed=2),
        codebook(routes=ROUTES[:, [2, 3, 0, 1, *range(4, 8)]]),
    )
    if other == "classes":
        model = codebook()
    elif other == "codebook":
        model = make_dmnn(selection="none", seed=1)
    letters = InputFormat(tuple("xyz"), (8, 8, 1), (0.3,), (0.4,))
    before = [np.array(w) for w in model.weights]
    transfer(Run(source, ABC), model, letters if other == "classes" else ABC)
    copied = getattr(model, "base", model).weights
    for ours, theirs in zip(copied, source.base.weights, strict=True):
        same = np.array_equal(ours, theirs)
        of_head = other == "classes" and "head" in ours.path.split("/")
        assert same or of_head, ours.path
    if other != "codebook":
        old, new = before[-1], np.array(model.weights[-1])
        np.testing.assert_array_equal(old, new)


def test_a_codebook_without_all_branches_gets_the_weights_of_its_own():
    routes = ROUTES * ([1] * 6 + [0, 1])
    model = codebook(routes=routes)
    assert model.base.route_spec.sizes == [2, 2, 2, 1]
    flat = {8: routes, 7: model.routes}
    for source in (make_dmnn(), codebook(), codebook(routes=routes)):
        networks, logits = [getattr(source, "base", source), model.base], []
        for network in networks:
            spec = network.route_spec
            route = spec.split(np.repeat(flat[spec.size], len(IMAGES) // 2, axis=0))
            logits.append(run(network, IMAGES, route=route)["logits"])
            if network is networks[0]:
                transfer(Run(source, ABC), model, ABC)
        np.testing.assert_allclose(*logits, atol=1e-6)
    for target in (codebook(), make_dmnn(selection="none")):
        with pytest.raises(
            ValueError, match="codebook without sub_block_0 in stage_1_"
        ):
            transfer(Run(model, ABC), target, ABC)


def test_a_codebook_of_another_network_is_an_error():
    source = make_dmnn(stages=[(6, 3, 1, 1), (8, 4, 3, 2)])
    with pytest.raises(ValueError, match="a run of another network"):
        transfer(Run(source, ABC), codebook(), ABC)

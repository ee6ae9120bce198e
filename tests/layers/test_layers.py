"""One battery of checks over every layer of the project, of all families."""

import importlib
import inspect
import json
import pkgutil

import keras
import numpy as np
import pytest

import tfdyn
from tfdyn.families.codebook.router import ChoiceRouter, Correction
from tfdyn.families.dmnn.block import Block, Projection
from tfdyn.families.dmnn.category_heads import CategoryHeads
from tfdyn.families.dmnn.router import GateRouter
from tfdyn.families.dmnn.selection import GateSelection
from tfdyn.families.dmnn.sub_blocks import Bottleneck, Channels, InvertedResidual
from tfdyn.families.drnet.auxiliary_head import AuxiliaryHead
from tfdyn.families.drnet.branches import SeparableConv, SkipConnection
from tfdyn.families.drnet.cell import Cell, Preprocess
from tfdyn.families.drnet.router import Router
from tfdyn.families.drnet.selection import BranchSelection
from tfdyn.families.drnet.stem import ImageNetStem, Stem
from tfdyn.families.instanas.meta_cell import MetaCell
from tfdyn.families.instanas.router import ImageRouter, ResidualUnit
from tfdyn.families.instanas.search_space import BasicConv, MBConv
from tfdyn.families.instanas.selection import PolicySelection
from tfdyn.layers.batch_normalization import BatchNormalization
from tfdyn.layers.beliefs import Beliefs
from tfdyn.layers.chain import Chain
from tfdyn.layers.heads import ClassifierHead, ConvolutionHead
from tfdyn.layers.mixed_op import MixedOp
from tfdyn.layers.stem import ResidualStem

MAP = (8, 8, 4)


def half_for_all(logits):
    return logits + 0.5, logits + 0.5


# Layer of a class, what it is built with, its further call arguments.
CASES = {
    BatchNormalization: (lambda: BatchNormalization(), MAP, {}),
    Beliefs: (lambda: Beliefs(3), (5,), {}),
    BranchSelection: (lambda: BranchSelection("softmax", 2.0, 1), (3, 5), {}),
    SeparableConv: (lambda: SeparableConv(6, 3, 2), MAP, {}),
    SkipConnection: (lambda: SkipConnection(2), MAP, {}),
    Preprocess: (lambda: Preprocess(6, 2), MAP, {}),
    Cell: (
        lambda: Cell(
            3,
            [[0, 1], [1, 2]],
            ("skip_connection", "sep_conv_3x3"),
            reduction=True,
            previous_reduction=True,
            normalized_router=True,
            belief_classes=3,
        ),
        [MAP, (4, 4, 6)],
        {"select": half_for_all},
    ),
    Chain: (lambda: Chain([keras.layers.Dense(3), keras.layers.ReLU()]), MAP, {}),
    AuxiliaryHead: (lambda: AuxiliaryHead(8, 3), MAP, {}),
    CategoryHeads: (lambda: CategoryHeads(3), [(5,), (5,)], {}),
    ClassifierHead: (lambda: ClassifierHead(3), MAP, {}),
    ConvolutionHead: (lambda: ConvolutionHead(6, 3), MAP, {}),
    GateRouter: (
        lambda: GateRouter(2, 5, previous_state=True, normalized=True, classes=3),
        [MAP, (5,)],
        {},
    ),
    GateSelection: (lambda: GateSelection(False, 1), (3, 2), {}),
    ChoiceRouter: (lambda: ChoiceRouter(4, 3, 5), MAP, {}),
    Correction: (lambda: Correction(4, 3), MAP, {}),
    Bottleneck: (lambda: Bottleneck(6, 4, 2), MAP, {}),
    Channels: (lambda: Channels(1, 3), MAP, {}),
    InvertedResidual: (lambda: InvertedResidual(6, 4, 2, False), MAP, {}),
    Projection: (lambda: Projection(6, 2), MAP, {}),
    Block: (
        lambda: Block([Bottleneck(4, 3, name=name) for name in "ab"]),
        MAP,
        {"weights": np.asarray([[1, 0], [0.5, 1]], "float32")},
    ),
    MBConv: (lambda: MBConv(4, 6, 5), MAP, {}),
    BasicConv: (lambda: BasicConv(6, 2), MAP, {}),
    MetaCell: (
        lambda: MetaCell([MBConv(4, 6, name="a"), BasicConv(4, name="b")], True),
        MAP,
        {"weights": np.asarray([[0, 0], [0.5, 1]], "float32")},
    ),
    ResidualUnit: (lambda: ResidualUnit(6, 2), MAP, {}),
    ImageRouter: (lambda: ImageRouter(3, 5, "residual", 2), MAP, {}),
    PolicySelection: (lambda: PolicySelection([1, None, 0], 0.9, 1), (3, 5), {}),
    MixedOp: (
        lambda: MixedOp(
            [SeparableConv(4, 3), Chain([keras.layers.Conv2D(4, 1)]), SkipConnection()]
        ),
        MAP,
        {"weights": np.asarray([[0.5, 0.25, 1]] * 2, "float32")},
    ),
    Router: (lambda: Router(2, 3, 5, normalized=True, classes=4), MAP, {}),
    ImageNetStem: (lambda: ImageNetStem(4), (16, 16, 3), {}),
    ResidualStem: (lambda: ResidualStem(4, 5, 2, True, 6.0), (16, 16, 3), {}),
    Stem: (lambda: Stem(4, 2), MAP, {}),
}
FLOAT32 = {
    AuxiliaryHead,
    Beliefs,
    BranchSelection,
    CategoryHeads,
    ChoiceRouter,
    ClassifierHead,
    Correction,
    GateRouter,
    ConvolutionHead,
    GateSelection,
    ImageRouter,
    PolicySelection,
    Router,
}
every_layer = pytest.mark.parametrize("layer_class", CASES, ids=lambda c: c.__name__)


def test_every_layer_is_checked():
    layer_classes = set()
    for module in pkgutil.walk_packages(tfdyn.__path__, "tfdyn."):
        members = vars(importlib.import_module(module.name)).values()
        classes = filter(inspect.isclass, members)
        layer_classes |= {c for c in classes if issubclass(c, keras.Layer)}
    ours = {c for c in layer_classes if c.__module__.startswith("tfdyn.")}
    # Made of graphs of models: tests/families/wrapped has their own tests.
    wrapped = "tfdyn.families.wrapped."
    ours = {c for c in ours if not c.__module__.startswith(wrapped)}
    # What is never called holds variables alone.
    called = {c for c in ours if c.call is not keras.Layer.call}
    assert {c for c in called if not issubclass(c, keras.Model)} == set(CASES)


def batched(shapes, size):
    """The shape, or each of a list of shapes, with its batch axis."""
    if isinstance(shapes, list):
        return [batched(shape, size) for shape in shapes]
    return (size, *shapes)


def random_of(shapes):
    if isinstance(shapes, list):
        return [random_of(shape) for shape in shapes]
    return np.random.default_rng(0).random(shapes, "float32")


def make(layer_class):
    """A built layer, its inputs and further call arguments."""
    factory, shapes, kwargs = CASES[layer_class]
    layer = factory()
    layer.build(batched(shapes, None))
    if layer_class is Correction:  # Its weights are 0 at first.
        layer.set_weights([random_of(weight.shape) for weight in layer.weights])
    return layer, random_of(batched(shapes, 2)), kwargs


def outputs_of(layer, inputs, kwargs):
    outputs = keras.tree.flatten(layer(inputs, **kwargs))
    return [keras.ops.convert_to_numpy(output) for output in outputs]


def assert_same_outputs(one, other, inputs, kwargs):
    results = (outputs_of(layer, inputs, kwargs) for layer in (one, other))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def in_json(value):
    return json.loads(json.dumps(value))


@every_layer
def test_configuration_makes_the_same_layer(layer_class):
    layer, inputs, kwargs = make(layer_class)
    saved = in_json(keras.saving.serialize_keras_object(layer))
    copy = keras.saving.deserialize_keras_object(saved)
    assert type(copy) is layer_class
    assert saved["registered_name"] == f"tfdyn>{layer_class.__name__}"
    assert in_json(keras.saving.serialize_keras_object(copy)) == saved
    arguments = inspect.signature(layer_class.__init__).parameters
    assert {*arguments} - {"self", "kwargs"} <= layer.get_config().keys()
    copy.set_weights(layer.get_weights())
    assert_same_outputs(copy, layer, inputs, kwargs)


@pytest.mark.parametrize(
    "layer_class",
    [c for c in CASES if c is not BranchSelection],
    ids=lambda c: c.__name__,
)
def test_output_has_the_shape_that_is_said(layer_class):
    layer, inputs, kwargs = make(layer_class)
    outputs = outputs_of(layer, inputs, kwargs)
    for batch in (2, None):
        said = layer.compute_output_shape(batched(CASES[layer_class][1], batch))
        said = said if isinstance(said[0], tuple) else (said,)
        # A cell returns its route too, whose shape is the selection's.
        for output, shape in zip(outputs, said, strict=layer_class is not Cell):
            assert (batch, *output.shape[1:]) == tuple(shape)


@keras.saving.register_keras_serializable("test_layers")
class Holder(keras.Model):
    """A model that is one layer."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer, self.built = layer, True

    def get_config(self):
        return {"layer": keras.saving.serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["layer"]))


@every_layer
def test_weights_are_saved_and_loaded(layer_class, tmp_path):
    layer, inputs, kwargs = make(layer_class)
    for weight in layer.weights:
        if weight.dtype == "float32":
            weight.assign(weight + 0.25)
    Holder(layer).save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras").layer
    assert_same_outputs(loaded, layer, inputs, kwargs)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@every_layer
def test_mixed_precision(layer_class, policy):
    keras.config.set_dtype_policy(policy)
    try:
        layer, inputs, kwargs = make(layer_class)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {w.dtype for w in layer.weights} <= {"float32", "uint32"}
    output = keras.tree.flatten(layer(inputs, **kwargs))[0]
    half = policy.removeprefix("mixed_")
    dtype = keras.backend.standardize_dtype(output.dtype)
    assert dtype == ("float32" if layer_class in FLOAT32 else half)
    assert np.isfinite(np.asarray(output, "float32")).all()
    # What is promised in float32 is not a half-precision result that was cast.
    rounded = keras.ops.cast(keras.ops.cast(output, half), dtype)
    if layer_class in (GateSelection, PolicySelection):  # 0 and 1 are the same in both.
        return
    assert (layer_class in FLOAT32) == bool((np.asarray(rounded != output)).any())

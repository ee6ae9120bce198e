"""What Keras's own models can do, and the networks of all families too."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tiny_networks import IMAGES, ROWS, assert_same, make, make_dmnn, make_instanas, run

from tfdyn.losses.routing_loss import RoutingLoss

PIXELS = np.random.default_rng(0).integers(0, 200, IMAGES.shape)
LABELS = np.arange(ROWS) % 3
NO_CLASS = "whole numbers from 0 to 2"

families = pytest.mark.parametrize("make", [make, make_dmnn, make_instanas])


def compiled(make, loss=None):
    model = make()
    if hasattr(model, "phase"):
        model.phase = "pretrain"
    model.compile("sgd", loss)
    return model


@families
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_integer_images_are_taken(make, dtype):
    model = make()
    images = PIXELS.astype(dtype)
    expected = run(model, PIXELS.astype("float32"))
    assert_same(run(model, images), expected)
    assert_same(run(model, images=tf.constant(images)), expected)


@families
def test_integer_images_train_and_each_step_checks_its_labels(make):
    def data(labels):
        return tf.data.Dataset.from_tensors((PIXELS.astype("uint8"), labels))

    model = compiled(make)
    fitted = model.fit(data(LABELS), shuffle=False, verbose=0)
    assert np.isfinite(fitted.history["loss"]).all()
    for labels in (LABELS + 1, LABELS - 1):
        with pytest.raises(tf.errors.InvalidArgumentError, match=NO_CLASS):
            model.fit(data(labels), shuffle=False, verbose=0)


@families
def test_shapes(make):
    model = make()
    assert model.input_shape == (None, 8, 8, 1)
    outputs = keras.tree.map_structure(lambda x: x.shape, run(model, IMAGES))
    assert model.compute_output_shape(IMAGES.shape) == outputs
    assert model.output_shape["logits"] == (None, 3)
    symbolic = model(keras.Input((8, 8, 1)))
    shapes = keras.tree.map_structure(lambda x: x.shape, symbolic)
    assert shapes == model.output_shape


def flat(model):
    outputs = run(model, IMAGES)
    route = np.concatenate(list(outputs["route"].values()), axis=1)
    return {"logits": outputs["logits"], "route": route}


@families
def test_a_model_is_exported_before_a_first_call(make, tmp_path):
    model = make()
    model.export(tmp_path / "exported", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    served = exported.serve(IMAGES)
    assert_same({name: value.numpy() for name, value in served.items()}, flat(model))


def test_a_model_is_exported_to_litert(tmp_path):
    model = make()
    path = tmp_path / "model.tflite"
    model.export(path, format="litert", verbose=False)
    runner = Interpreter(str(path)).get_signature_runner()
    (name,) = runner.get_input_details()
    assert_same(runner(**{name: IMAGES}), flat(model))


def test_a_file_of_hdf5_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"model.h5: .* ends in .keras"):
        make().save(tmp_path / "model.h5")
    assert not list(tmp_path.iterdir())


@families
@pytest.mark.parametrize("labels", [LABELS + 1, LABELS - 1, LABELS + 0.9])
def test_labels_that_are_no_classes_are_refused(make, labels):
    model = compiled(make)
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=NO_CLASS):
            use(IMAGES, labels, verbose=0)


@families
def test_one_hot_labels_are_refused(make):
    labels = keras.utils.to_categorical(LABELS, 3)
    with pytest.raises(ValueError, match=r"got the shape \(6, 3\). Pass one-hot"):
        compiled(make).fit(IMAGES, labels, verbose=0)


@families
@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.Loss(),
        "sparse_categorical_crossentropy",
        lambda labels, outputs: 0.0,
    ],
)
def test_a_loss_of_logits_alone_is_refused(make, loss):
    with pytest.raises(ValueError, match=r"all outputs.*tfdyn.RoutingLoss\(\)"):
        compiled(make, loss)


def test_a_loss_that_takes_all_outputs_is_not():
    class OfLogits(keras.losses.SparseCategoricalCrossentropy):
        def call(self, labels, outputs):
            return super().call(labels, outputs["logits"])

    model = compiled(make, OfLogits(from_logits=True))
    outputs = model(IMAGES)
    loss = model.compute_loss(IMAGES, LABELS, outputs)
    assert float(loss) == pytest.approx(float(RoutingLoss()(LABELS, outputs)))

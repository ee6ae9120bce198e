"""JaxPasses: passes over images on one device with JAX, all branches computed."""

import importlib

import keras
import numpy as np

from tfdyn.data.input_format import InputFormat
from tfdyn.models.routed_model import RoutedModel

jax = importlib.import_module("jax")  # By its name, because JAX is no requirement.
jnp = jax.numpy

BATCH_SIZE = 500


class JaxPasses:
    """Does what `tfdyn.evaluation.passes.Passes` does, without TensorFlow.

    Args:
        model: `RoutedModel`, trained.
        input_format: `InputFormat` of its images.
        splits: Mapping from "validation" and "test" to a pair: images, uint8
            `(images, height, width, channels)`, and integer labels `(images,)`.
    """

    def __init__(self, model: RoutedModel, input_format: InputFormat, splits: dict):
        self.model, self.input_format, self.splits = model, input_format, splits
        self._own, self._given = jax.jit(self._own_step), jax.jit(self._given_step)

    def images(self, split: str, threshold) -> dict[str, np.ndarray]:
        """Returns the route, class and confidence of each image at a T."""
        thresholds = self.model.thresholds(threshold)
        results = [
            jax.device_get(self._own(self._weights(), images, thresholds))
            for images, _ in self._batches(split)
        ]
        labels = self.splits[split][1]
        parts = map(np.concatenate, zip(*results, strict=True))
        names = ("predicted", "confidence", "route")
        arrays = dict(zip(names, parts, strict=True))
        return {"label": labels} | {
            name: values[: len(labels)] for name, values in arrays.items()
        }

    def right(self, split: str, routes: np.ndarray) -> np.ndarray:
        """Returns whether each image is classified right on given routes, `(n,)`."""
        results = []
        for images, rows in self._batches(split):
            part = routes[rows] if routes.ndim == 2 else routes[None]
            filled = np.zeros((len(images), routes.shape[-1]), "float32")
            filled[:] = part if len(part) == 1 else np.resize(part, filled.shape)
            results.append(np.asarray(self._given(self._weights(), images, filled)))
        labels = self.splits[split][1]
        return np.concatenate(results)[: len(labels)] == labels

    def _batches(self, split):
        """Yields batches of one size, the last filled up, and which images they are."""
        images = self.splits[split][0]
        for start in range(0, len(images), BATCH_SIZE):
            rows = slice(start, start + BATCH_SIZE)
            part = images[rows]
            filled = np.zeros((BATCH_SIZE, *part.shape[1:]), "uint8")
            filled[: len(part)] = part
            yield filled, rows

    def _weights(self):
        return [variable.value for variable in self.model.variables]

    def _call(self, weights, images, **arguments):
        images = self.input_format.normalize(images)
        with keras.StatelessScope(zip(self.model.variables, weights, strict=True)):
            return self.model(images, training=False, **arguments)

    def _own_step(self, weights, images, thresholds):
        outputs = self._call(weights, images, threshold=thresholds)
        logits = outputs["logits"]
        confidence = jnp.max(jax.nn.softmax(logits), axis=-1)
        route = self.model.route_spec.flatten(outputs["route"])
        return jnp.argmax(logits, axis=-1), confidence, route

    def _given_step(self, weights, images, routes):
        route = self.model.route_spec.split(routes)
        return jnp.argmax(self._call(weights, images, route=route)["logits"], axis=-1)

"""Methods: prune, cluster and quantisation-aware training, by TFMOT's wrappers.

Only `export.compression.worker` imports this file: importing TFMOT switches the whole
process to an older Keras.
"""

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from tf_keras import layers

from export.compression.rebuild import with_probabilities
from export.compression.scheme import WeightsOnly, scheme

# Kernels with fewer weights are neither pruned nor clustered: they take few bytes.
FEWEST_WEIGHTS = 1000
# Steps between two times that a smaller share of the weights is kept.
PRUNING_FREQUENCY = 20
# The weights reach their sparsity after this share of the steps; the rest recovers.
PRUNING_SHARE = 0.6
PIXELS = 0.0, 255.0
BATCH = 32


def prune(model: tf_keras.Model, fit, sparsity: float, steps: int) -> tf_keras.Model:
    """Sets the smallest weights to 0, more and more of them while it trains.

    Zhu and Gupta, To prune, or not to prune (2017): the sparsity is a polynomial of
    degree 3 of the step.

    Args:
        model: Model that returns logits.
        fit: Function that trains a model with a list of Keras callbacks.
        sparsity: Share of the weights of each large kernel that is 0 in the end.
        steps: Number of steps that `fit` takes.

    Returns:
        The trained model, without wrappers.
    """
    sparsity_module = tfmot.sparsity.keras
    schedule = sparsity_module.PolynomialDecay(
        0.0,
        sparsity,
        begin_step=0,
        end_step=max(1, int(PRUNING_SHARE * steps)),
        frequency=min(PRUNING_FREQUENCY, max(1, steps // 10)),
    )

    def wrap(layer):
        return sparsity_module.prune_low_magnitude(layer, pruning_schedule=schedule)

    pruned = tf_keras.models.clone_model(model, clone_function=_large(wrap))
    fit(pruned, [sparsity_module.UpdatePruningStep()])
    return _copy(sparsity_module.strip_pruning(pruned))


def cluster(model: tf_keras.Model, fit, clusters: int) -> tf_keras.Model:
    """Gives the weights of each large kernel only a few different values.

    Han et al., Deep compression (2016), section 3: the values are trained.

    Args:
        model: Model that returns logits.
        fit: As for `prune`.
        clusters: Number of values of each kernel.

    Returns:
        The trained model, without wrappers.
    """
    clustering = tfmot.clustering.keras
    init = clustering.CentroidInitialization.KMEANS_PLUS_PLUS

    def wrap(layer):
        return clustering.cluster_weights(
            layer, number_of_clusters=clusters, cluster_centroids_init=init
        )

    clustered = tf_keras.models.clone_model(model, clone_function=_large(wrap))
    fit(clustered, [])
    return _copy(clustering.strip_clustering(clustered))


def quantize(
    model: tf_keras.Model, fit, images: np.ndarray, keep_zeros: bool
) -> tf_keras.Model:
    """Trains while weights and activations are rounded to 8 bits.

    Jacob et al., Quantization and training of neural networks for efficient
    integer-arithmetic-only inference (2018).

    Args:
        model: Model that returns logits.
        fit: As for `prune`.
        images: float32 images `(n, height, width, channels)`, pixels from 0 to 255, on
            which the first ranges of activations are observed.
        keep_zeros: Whether weights that are 0 stay 0.

    Returns:
        The trained model with its rounding, which returns logits and probabilities.
    """
    quantization = tfmot.quantization.keras
    annotated = quantization.quantize_annotate_model(with_probabilities(model))
    with quantization.quantize_scope({"WeightsOnly": WeightsOnly}):
        quantized = quantization.quantize_apply(annotated, scheme(keep_zeros))
    _set_ranges(quantized, model, images)
    trained = _Trained(quantized.input, quantized.outputs[0])
    trained.frozen = {
        weight.name
        for layer in model.layers
        if not layer.trainable
        for weight in layer.weights
    }
    fit(trained, [])
    # Pixels are 0 to 255, whatever training images showed last.
    _assign(quantized.layers[1], *PIXELS)
    return quantized


def sparsity_of(model: tf_keras.Model) -> float:
    """Returns the share of the weights of large kernels that is 0.

    Args:
        model: Model without wrappers.
    """
    kernels = [layer.get_weights()[0] for layer in model.layers if _is_large(layer)]
    zeros = sum(int(np.sum(kernel == 0)) for kernel in kernels)
    return zeros / max(1, sum(kernel.size for kernel in kernels))


def _copy(model):
    """Returns a model of new layers: those of wrappers have more than one output."""
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _large(wrap):
    return lambda layer: wrap(layer) if _is_large(layer) else layer


def _is_large(layer):
    plain = isinstance(layer, layers.Conv2D | layers.Dense)
    plain &= not isinstance(layer, layers.DepthwiseConv2D)
    return plain and layer.count_params() >= FEWEST_WEIGHTS


class _Trained(tf_keras.Model):
    """Model that does not train the weights of `frozen`, a set of names.

    TFMOT's wrappers train the weights that they round, whatever `trainable` is.
    """

    frozen = frozenset()

    @property
    def trainable_weights(self):
        weights = super().trainable_weights
        return [each for each in weights if each.name not in self.frozen]


def _set_ranges(quantized, model, images):
    """Sets the ranges of activations to what the model without rounding has.

    TFMOT starts all at -6 and 6 and moves them by a thousandth a step.
    """
    names = [layer.name for layer in model.layers]
    observed = tf_keras.Model(model.input, [layer.output for layer in model.layers])
    extremes = []
    for start in range(0, len(images), BATCH):
        outputs = observed(images[start : start + BATCH])
        extremes.append([(tf.reduce_min(x), tf.reduce_max(x)) for x in outputs])
    ranges = dict(zip(names, np.mean(extremes, axis=0), strict=True))
    quantized(images[:BATCH], training=True)  # Sets the ranges of the weights.
    for layer in quantized.layers:
        if isinstance(layer, tfmot.quantization.keras.QuantizeWrapper):
            if layer.layer.name in ranges:
                low, high = ranges[layer.layer.name]
                _assign(layer, min(low, 0.0), max(high, 0.0))
    _assign(quantized.layers[1], *PIXELS)


def _assign(layer, low, high):
    """Sets the range of the activations of a layer."""
    for weight in layer.weights:
        name = weight.name.rpartition("/")[2]
        if name.startswith(("output_", "post_activation_", "quantize_layer_")):
            if name.split(":")[0].endswith("_min"):
                weight.assign(low)
            elif name.split(":")[0].endswith("_max"):
                weight.assign(high)

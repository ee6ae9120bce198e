"""Rebuild: a `PlainGraph` as a functional model of tf_keras, which TFMOT takes.

Only `export.compression.worker` imports this file, in a process of its own.
"""

import tf_keras
from tf_keras import layers

from export.compression.plain_graph import PlainGraph, PlainLayer


def rebuild(graph: PlainGraph) -> tf_keras.Model:
    """Builds the model of a graph, with its weights.

    Args:
        graph: `PlainGraph`.

    Returns:
        Functional model from images, float32 `(batch, height, width, channels)` with
        pixels from 0 to 255, to logits `(batch, classes)`.
    """
    image = tf_keras.Input(graph.image_shape, name="image")
    tensors = {-1: image}
    for index, plain in enumerate(graph.layers):
        inputs = [tensors[each] for each in plain.inputs]
        layer = _layer(plain, f"{plain.kind}_{index}")
        # The normalisation of the image: with pixels up to 255 its gradients are huge.
        layer.trainable = -1 not in plain.inputs
        tensors[index] = layer(inputs if len(inputs) > 1 else inputs[0])
        if plain.kernel is not None:
            layer.set_weights([plain.kernel, plain.bias])
    return tf_keras.Model(image, tensors[len(graph.layers) - 1])


def with_probabilities(model: tf_keras.Model) -> tf_keras.Model:
    """Returns a model that also returns the softmax of the logits.

    Args:
        model: Model that returns logits.
    """
    logits = model.outputs[0]
    return tf_keras.Model(model.input, [logits, layers.Softmax()(logits)])


def _layer(plain: PlainLayer, name):
    settings, kernel = {**plain.settings, "name": name}, plain.kernel
    match plain.kind:
        case "conv":
            return layers.Conv2D(kernel.shape[-1], kernel.shape[:2], **settings)
        case "depthwise" | "scale":
            return layers.DepthwiseConv2D(kernel.shape[:2], **settings)
        case "dense":
            return layers.Dense(kernel.shape[-1], **settings)
        case "relu":
            return layers.ReLU(**settings)
        case "relu6":
            return layers.ReLU(6.0, **settings)
        case "add":
            return layers.Add(**settings)
        case "concatenate":
            return layers.Concatenate(**settings)
        case "max_pool":
            return layers.MaxPooling2D(**settings)
        case "average_pool":
            return layers.AveragePooling2D(**settings)
        case "global_average":
            return layers.GlobalAveragePooling2D(**settings)
        case "pad":
            return layers.ZeroPadding2D(**settings)

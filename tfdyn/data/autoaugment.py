"""AutoAugment: random pairs of image operations that a search selected.

Cubuk et al., "AutoAugment: Learning Augmentation Policies from Data", 2018,
arXiv 1805.09501; the policies are those of its appendix.
"""

import numpy as np
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps


def _affine(image, *coefficients):
    return image.transform(image.size, Image.Transform.AFFINE, coefficients)


# Functions of a Pillow image and an amount between -1 and 1, which is the magnitude
# divided by 9 with a random sign. Pixels that move in from outside are black.
OPERATIONS = {
    "ShearX": lambda image, amount: _affine(image, 1, 0.3 * amount, 0, 0, 1, 0),
    "ShearY": lambda image, amount: _affine(image, 1, 0, 0, 0.3 * amount, 1, 0),
    # The paper moves an image of 331 pixels by up to 150 pixels.
    "TranslateX": lambda image, amount: _affine(
        image, 1, 0, 150 / 331 * image.width * amount, 0, 1, 0
    ),
    "TranslateY": lambda image, amount: _affine(
        image, 1, 0, 0, 0, 1, 150 / 331 * image.height * amount
    ),
    "Rotate": lambda image, amount: image.rotate(30 * amount),
    "Color": lambda image, amount: ImageEnhance.Color(image).enhance(1 + 0.9 * amount),
    "Contrast": lambda image, amount: ImageEnhance.Contrast(image).enhance(
        1 + 0.9 * amount
    ),
    "Brightness": lambda image, amount: ImageEnhance.Brightness(image).enhance(
        1 + 0.9 * amount
    ),
    "Sharpness": lambda image, amount: ImageEnhance.Sharpness(image).enhance(
        1 + 0.9 * amount
    ),
    "Solarize": lambda image, amount: ImageOps.solarize(image, 256 - 256 * abs(amount)),
    "Posterize": lambda image, amount: ImageOps.posterize(
        image, 8 - round(4 * abs(amount))
    ),
    "AutoContrast": lambda image, amount: ImageOps.autocontrast(image),
    "Equalize": lambda image, amount: ImageOps.equalize(image),
    "Invert": lambda image, amount: ImageOps.invert(image),
}

# A policy is a tuple of sub-policies. A sub-policy is two operations, each a tuple of
# name, probability and magnitude 0..9 (None: the operation has no magnitude).
POLICIES = {
    "cifar10": (
        (("Invert", 0.1, None), ("Contrast", 0.2, 6)),
        (("Rotate", 0.7, 2), ("TranslateX", 0.3, 9)),
        (("Sharpness", 0.8, 1), ("Sharpness", 0.9, 3)),
        (("ShearY", 0.5, 8), ("TranslateY", 0.7, 9)),
        (("AutoContrast", 0.5, None), ("Equalize", 0.9, None)),
        (("ShearY", 0.2, 7), ("Posterize", 0.3, 7)),
        (("Color", 0.4, 3), ("Brightness", 0.6, 7)),
        (("Sharpness", 0.3, 9), ("Brightness", 0.7, 9)),
        (("Equalize", 0.6, None), ("Equalize", 0.5, None)),
        (("Contrast", 0.6, 7), ("Sharpness", 0.6, 5)),
        (("Color", 0.7, 7), ("TranslateX", 0.5, 8)),
        (("Equalize", 0.3, None), ("AutoContrast", 0.4, None)),
        (("TranslateY", 0.4, 3), ("Sharpness", 0.2, 6)),
        (("Brightness", 0.9, 6), ("Color", 0.2, 8)),
        (("Solarize", 0.5, 2), ("Invert", 0.0, None)),
        (("Equalize", 0.2, None), ("AutoContrast", 0.6, None)),
        (("Equalize", 0.2, None), ("Equalize", 0.6, None)),
        (("Color", 0.9, 9), ("Equalize", 0.6, None)),
        (("AutoContrast", 0.8, None), ("Solarize", 0.2, 8)),
        (("Brightness", 0.1, 3), ("Color", 0.7, 0)),
        (("Solarize", 0.4, 5), ("AutoContrast", 0.9, None)),
        (("TranslateY", 0.9, 9), ("TranslateY", 0.7, 9)),
        (("AutoContrast", 0.9, None), ("Solarize", 0.8, 3)),
        (("Equalize", 0.8, None), ("Invert", 0.1, None)),
        (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, None)),
    ),
    "imagenet": (
        (("Posterize", 0.4, 8), ("Rotate", 0.6, 9)),
        (("Solarize", 0.6, 5), ("AutoContrast", 0.6, None)),
        (("Equalize", 0.8, None), ("Equalize", 0.6, None)),
        (("Posterize", 0.6, 7), ("Posterize", 0.6, 6)),
        (("Equalize", 0.4, None), ("Solarize", 0.2, 4)),
        (("Equalize", 0.4, None), ("Rotate", 0.8, 8)),
        (("Solarize", 0.6, 3), ("Equalize", 0.6, None)),
        (("Posterize", 0.8, 5), ("Equalize", 1.0, None)),
        (("Rotate", 0.2, 3), ("Solarize", 0.6, 8)),
        (("Equalize", 0.6, None), ("Posterize", 0.4, 6)),
        (("Rotate", 0.8, 8), ("Color", 0.4, 0)),
        (("Rotate", 0.4, 9), ("Equalize", 0.6, None)),
        (("Equalize", 0.0, None), ("Equalize", 0.8, None)),
        (("Invert", 0.6, None), ("Equalize", 1.0, None)),
        (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
        (("Rotate", 0.8, 8), ("Color", 1.0, 2)),
        (("Color", 0.8, 8), ("Solarize", 0.8, 7)),
        (("Sharpness", 0.4, 7), ("Invert", 0.6, None)),
        (("ShearX", 0.6, 5), ("Equalize", 1.0, None)),
        (("Color", 0.4, 0), ("Equalize", 0.6, None)),
        (("Equalize", 0.4, None), ("Solarize", 0.2, 4)),
        (("Solarize", 0.6, 5), ("AutoContrast", 0.6, None)),
        (("Invert", 0.6, None), ("Equalize", 1.0, None)),
        (("Color", 0.6, 4), ("Contrast", 1.0, 8)),
        (("Equalize", 0.8, None), ("Equalize", 0.6, None)),
    ),
}


def augment(image, seed, policy: str):
    """Applies a random sub-policy of a policy to one image.

    Args:
        image: uint8 tensor `(height, width, channels)` with 1 or 3 channels.
        seed: Integer tensor `(2,)`; the same seed gives the same result.
        policy: Name of the policy, "cifar10" or "imagenet".

    Returns:
        uint8 tensor of the same shape.
    """
    augmented = tf.numpy_function(
        lambda image, seed: _augment(image, seed, POLICIES[policy]),
        [image, seed],
        tf.uint8,
        stateful=False,
    )
    return tf.ensure_shape(augmented, image.shape)


def _augment(image, seed, policy):
    generator = np.random.default_rng(seed.view(f"u{seed.itemsize}"))
    sub_policy = policy[generator.integers(len(policy))]
    chances, signs = generator.random(2), generator.choice((-1, 1), 2)
    # Pillow expects images of one channel without a channel axis.
    result = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    for (name, probability, magnitude), chance, sign in zip(
        sub_policy, chances, signs, strict=True
    ):
        if chance < probability:
            result = OPERATIONS[name](result, sign * (magnitude or 0) / 9)
    return np.asarray(result).reshape(image.shape)

"""Test images as examples: the cheapest, the most certain, and their opposites."""

import io

import numpy as np
from PIL import Image

from tfdyn.reporting.elements import Element, element, image_address
from tfdyn.reporting.plotting import cost_text

COUNT = 8
# The longest side of an image in the page, in pixels.
LARGEST = 112


def choose_examples(costs: np.ndarray, confidence: np.ndarray) -> dict[str, np.ndarray]:
    """Chooses test images that show what is cheap, expensive, certain and uncertain.

    Of images that cost the same, the most certain ones are among the cheapest, and the
    least certain ones among the most expensive.

    Args:
        costs: Cost of each image, `(n,)`.
        confidence: Probability of its predicted class, `(n,)`.

    Returns:
        Dict from a title to the indices of images, at most `COUNT` each.
    """
    by_cost = np.lexsort((-confidence, costs))
    by_confidence = np.argsort(confidence, kind="stable")
    orders = {
        "The cheapest images": by_cost,
        "The most expensive images": by_cost[::-1],
        "The most certain images": by_confidence[::-1],
        "The least certain images": by_confidence,
    }
    return {title: order[:COUNT] for title, order in orders.items()}


def gallery(
    title: str, indices, images: dict, unit: str, class_names, pixels: dict
) -> Element:
    """Returns a list of images with class, prediction, confidence and cost.

    Args:
        title: What the images have in common.
        indices: Their indices among the test images.
        images: What `Evaluator.images` returned.
        unit: Unit of the costs: "macs" or "ms".
        class_names: Names of the classes, by label.
        pixels: Pixels by index, uint8 `(height, width, channels)`.
    """
    items = []
    for index in indices:
        label = class_names[images["label"][index]]
        predicted = class_names[images["predicted"][index]]
        right = images["label"][index] == images["predicted"][index]
        confidence = f"{100 * images['confidence'][index]:.1f} %"
        seen = "right" if right else f"taken for {predicted}"
        items.append(
            element(
                "li",
                element(
                    "figure",
                    element(
                        "img",
                        src=image_address(to_png(pixels[index])),
                        alt=f"Test image {index}: {label}",
                    ),
                    element(
                        "figcaption",
                        f"{label}, {seen}",
                        element("br"),
                        f"{confidence} sure",
                        element("br"),
                        cost_text(float(images[unit][index]), unit),
                    ),
                ),
            )
        )
    return element(
        "div",
        element("p", element("strong", title)),
        element("ul", *items, class_="gallery", aria_label=title),
    )


def to_png(pixels: np.ndarray) -> bytes:
    """Returns an image as a PNG file, made smaller if it is large.

    Args:
        pixels: uint8 `(height, width, channels)`. Of other numbers of channels than 1
            and 3, the first one is shown.
    """
    color = pixels.shape[-1] == 3
    image = Image.fromarray(pixels if color else pixels[..., 0])
    image.thumbnail((LARGEST, LARGEST))
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()

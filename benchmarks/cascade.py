"""Measures a cascade: plain Keras models, from small to large, run one after the other.

`python -m benchmarks.cascade --models=resnet8.keras,resnet32.keras
--least_accuracy=0.917`

An image stops at the first model whose largest probability is T or more (Wang et al.,
2020, arXiv:2012.01988). All that ran counts. The models are those that
`benchmarks.plain_resnet` writes: they read CIFAR-10 as tfdyn normalises it, and return
logits.
"""

import functools

import keras
import numpy as np
from absl import flags

from tfdyn import commands
from tfdyn.costs import complexity
from tfdyn.data import dataset as datasets
from tfdyn.evaluation.threshold_search import smallest_threshold
from tfdyn.text import align, readable

FLAGS = flags.FLAGS


def answers(models: list[keras.Model], batches) -> tuple[np.ndarray, np.ndarray]:
    """Runs all models on all images.

    Args:
        models: Models that return logits.
        batches: Iterable of images and labels.

    Returns:
        The largest probability of each model for each image, `(models, images)`, and
        whether its class is right, a boolean array of the same shape.
    """
    confidences, right = [], []
    for images, labels in batches:
        logits = [model.predict_on_batch(images) for model in models]
        scores = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
        confidences.append((scores / scores.sum(axis=-1, keepdims=True)).max(axis=-1))
        right.append(np.argmax(logits, axis=-1) == np.asarray(labels))
    return np.concatenate(confidences, axis=1), np.concatenate(right, axis=1)


def cascade(confidences, right, costs, threshold: float) -> tuple[float, float]:
    """Returns the accuracy and the mean cost of a cascade at one T.

    Args:
        confidences: Array `(models, images)`, as `answers` returns it.
        right: Array of the same shape.
        costs: Cost of each model, `(models,)`.
        threshold: T in (0, 1]. With T=1 all models run.
    """
    stops = (confidences >= threshold) & (threshold < 1)
    stops[-1] = True
    last = stops.argmax(axis=0)
    accuracy = right[last, np.arange(len(last))].mean()
    return float(accuracy), float(np.cumsum(costs)[last].mean())


def measure(models: list[keras.Model], dataset, limits, thresholds) -> dict:
    """Evaluates a cascade, and each of its models alone.

    Args:
        models: Models from the cheapest to the most expensive.
        dataset: `Dataset` with validation images.
        limits: Accuracies that the validation images shall have.
        thresholds: Further values of T.

    Returns:
        A dict ready for JSON: `alone`, the accuracy and MACs of each model, and `rows`,
        each with `threshold`, `accuracy` and `macs` on the test images; for a limit
        also `least_accuracy`.
    """
    costs = [complexity.macs(model) for model in models]
    of_split = {
        split: answers(models, dataset.batches(split, 250))
        for split in ("validation", "test")
    }

    @functools.cache
    def accuracy(threshold):
        return cascade(*of_split["validation"], costs, threshold)[0]

    rows = [{"threshold": threshold} for threshold in thresholds]
    for limit in limits:
        threshold = smallest_threshold(accuracy, limit)
        rows.append({"threshold": threshold, "least_accuracy": limit})
    for row in rows:
        row["accuracy"], row["macs"] = cascade(
            *of_split["test"], costs, row["threshold"]
        )
    alone = of_split["test"][1].mean(axis=1)
    return {
        "dataset": dataset.name,
        "alone": [
            {"model": model.name, "accuracy": float(share), "macs": cost}
            for model, share, cost in zip(models, alone, costs, strict=True)
        ],
        "rows": rows,
    }


def main() -> None:
    """Runs the command on the flags."""
    models = [keras.saving.load_model(path, compile=False) for path in FLAGS.models]
    limits = [float(limit) for limit in FLAGS.least_accuracy or ()]
    thresholds = [float(threshold) for threshold in FLAGS.thresholds]
    content = measure(models, datasets.load("cifar10"), limits, thresholds)
    rows = [["", "accuracy", "MACs an image"]]
    rows += [_row(each["model"], each) for each in content["alone"]]
    rows += [_row(f"T={row['threshold']:.6g}", row) for row in content["rows"]]
    commands.report(content, align(rows))


def _row(name, result):
    return [name, f"{100 * result['accuracy']:.2f} %", readable(result["macs"])]


if __name__ == "__main__":
    flags.DEFINE_list("models", None, "`.keras` files, the cheapest model first.")
    flags.DEFINE_list("thresholds", ["0.7", "0.8", "0.9", "0.95"], "Values of T.")
    flags.DEFINE_list(
        "least_accuracy", None, "Accuracies that the validation images shall have."
    )
    commands.define_json()
    flags.mark_flags_as_required(["models"])
    flags.adopt_module_key_flags(commands)  # So that --help lists them.
    commands.run(main)

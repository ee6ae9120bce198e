"""ImageTable: a CSV file with one line for each image and threshold."""

import csv

import numpy as np

from tfdyn.files import whole
from tfdyn.routing.route import RouteSpec

# The first columns.
COLUMNS = ("threshold", "image", "label", "predicted", "correct", "confidence")
# Arrays of `Evaluator.images` that are no cost.
NOT_COSTS = ("label", "predicted", "confidence", "route")


def write(
    path,
    results: dict[float | tuple, dict[str, np.ndarray]],
    class_names,
    route_spec: RouteSpec,
) -> None:
    """Writes what a network does with each image, as CSV.

    The columns are `threshold`; `image`, the index in the split, from 0; `label` and
    `predicted`, names of classes; `correct`, 0 or 1; `confidence`, the probability of
    the predicted class; the costs, such as `macs` and `ms`; and `route`, 1 for each
    branch that runs and 0 for each other, with a space between MixedOps. `ms` is a
    prediction by the cost table.

    Args:
        path: Path of the file. It appears whole or not at all.
        results: Mapping from thresholds T to what `Evaluator.images` returned.
        class_names: Names of the classes, by label.
        route_spec: `RouteSpec` of the network.

    Raises:
        OSError: If the file cannot be written.
    """
    with whole(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.writer(file)
        costs = [name for name in next(iter(results.values())) if name not in NOT_COSTS]
        writer.writerow([*COLUMNS, *costs, "route"])
        for threshold, images in results.items():
            shown = ",".join(map(str, np.ravel(threshold).tolist()))
            for index, route in enumerate(images["route"]):
                label, predicted = images["label"][index], images["predicted"][index]
                writer.writerow(
                    [shown, index, class_names[label], class_names[predicted]]
                    + [int(label == predicted), f"{images['confidence'][index]:.6f}"]
                    + [f"{images[name][index]:.8g}" for name in costs]
                    + [route_spec.to_text(route)]
                )

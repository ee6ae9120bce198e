"""Evaluator: accuracy and cost of a model, each branch run only where chosen."""

import numpy as np
import tensorflow as tf
from keras import ops

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.layers import execution


class Evaluator:
    """Evaluates a model by the dispatched execution.

    Args:
        model: `RoutedModel`.
        table: Another `CostTable` to report, beside MACs and parameters.
    """

    def __init__(self, model, table=None):
        params = CostTable.count(model.modules, "params")
        tables = [params] if table is None else [params, table]
        costs = [RouteCost(model.modules, each) for each in tables]
        self.model, self.costs = model, [model.route_cost, *costs]

        # Traced once: thresholds are tensors.
        @tf.function(reduce_retracing=True)
        def step(images, labels, threshold):
            with execution.scope(execution.dispatched):
                outputs = model(images, threshold=threshold, training=False)
            route = outputs["route"]
            runs = {name: ops.cast(w != 0, "float32") for name, w in route.items()}
            predicted = ops.argmax(outputs["logits"], axis=-1)
            right = ops.cast(predicted, "int32") == ops.cast(labels, "int32")
            return {
                "accuracy": ops.cast(right, "float32"),
                "branches_per_connection": sum(
                    ops.sum(run, axis=-1) for run in runs.values()
                )
                / len(runs),
                "use": {name: ops.mean(run, axis=0) for name, run in runs.items()},
                **{cost.unit: cost.total(route) for cost in self.costs},
            }

        self._step = step

    def __call__(self, batches, threshold=None, progress=None):
        """Evaluates the model on batches.

        Args:
            batches: Iterable of `(images, labels)`.
            threshold: T, a number or a list with one a MixedOp; default: the
                model's own.
            progress: Called with the number of examples after each batch.

        Returns:
            A dict: `examples`, `accuracy` (0 to 1), `macs_mean`, `macs_std`,
            `params_mean`, `branches_per_connection` (means over the inputs, and over
            MixedOps), `use` (mapping from MixedOp names to the share of inputs that
            ran each branch), and with a table `UNIT_mean`.
        """
        threshold = self.model.threshold if threshold is None else threshold
        threshold = tf.constant(threshold, tf.float32)
        results, sizes = [], []
        for images, labels in batches:
            result = self._step(images, labels, threshold)
            results.append(tf.nest.map_structure(lambda x: x.numpy(), result))
            sizes.append(len(result["accuracy"]))
            if progress:
                progress(sizes[-1])
        uses = [result.pop("use") for result in results]
        values = {
            name: np.concatenate([result[name] for result in results]).astype(float)
            for name in results[0]
        }
        summary = {"examples": sum(sizes)}
        for name, value in values.items():
            is_cost = name in (cost.unit for cost in self.costs)
            summary[f"{name}_mean" if is_cost else name] = float(value.mean())
        summary["macs_std"] = float(values["macs"].std())
        summary["use"] = {
            name: np.average([use[name] for use in uses], axis=0, weights=sizes)
            for name in uses[0]
        }
        return summary

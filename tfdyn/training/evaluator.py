"""Evaluator: accuracy and cost of a model, each branch run only where chosen."""

import numpy as np
import tensorflow as tf
from keras import ops
from tqdm import tqdm

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.data import dataset as datasets
from tfdyn.layers import execution
from tfdyn.training.reports import label


def load_data(run, data_dir=None):
    """Loads the `Dataset` that a run was trained on, with its validation share.

    Args:
        run: `RunFolder`.
        data_dir: Where the data are, if not where the training found them.

    Raises:
        ValueError: If they are not what it was trained on.
    """
    settings = run.settings()
    dataset = datasets.load(
        settings.dataset,
        data_dir or settings.data_dir,
        settings.image_size,
        settings.validation_share,
    )
    if dataset.input_format != run.input_format():
        raise ValueError(
            f"The data ({dataset.input_format}) are not what {run} was trained on "
            f"({run.input_format()}). Give the right ones by --data_dir."
        )
    return dataset


class Evaluator:
    """Evaluates a model, by default each branch only on the inputs that chose it.

    Args:
        model: `RoutedModel`.
        table: Another `CostTable` to report, beside MACs and parameters.
        by: How the branches are run (`tfdyn.layers.execution`).
    """

    def __init__(self, model, table=None, by=execution.dispatched):
        params = CostTable.count(model.modules, "params")
        tables = [params] if table is None else [params, table]
        costs = [RouteCost(model.modules, each) for each in tables]
        self.model, self.costs = model, [model.route_cost, *costs]

        # Traced once: thresholds are tensors.
        @tf.function(reduce_retracing=True)
        def step(images, labels, threshold):
            with execution.scope(by):
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
            `params_mean`, `branches_per_connection` (mean over inputs and MixedOps),
            with a table `UNIT_mean`, and `use`: the share of inputs that ran a
            branch, by MixedOp and branch.
        """
        threshold = self.model.threshold if threshold is None else threshold
        threshold = np.broadcast_to(threshold, len(self.model.mixed_ops))
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
        summary = {"examples": sum(sizes), "accuracy": values["accuracy"].mean()}
        for cost in self.costs:
            summary[f"{cost.unit}_mean"] = values[cost.unit].mean()
        summary["macs_std"] = values["macs"].std()
        summary["branches_per_connection"] = values["branches_per_connection"].mean()
        summary = {name: float(value) for name, value in summary.items()}
        summary["use"] = {
            op.name: self._shares(op, [use[op.name] for use in uses], sizes)
            for op in self.model.mixed_ops
        }
        return summary

    def on(self, dataset, split, threshold, batch_size=250):
        """Evaluates the model on a split of a `Dataset`, with a bar on terminals."""
        bar = tqdm(
            total=dataset.num_examples(split),
            desc=f"{split} {label(threshold)}",
            unit=" images",
            leave=False,
            disable=None,
        )
        with bar:
            return self(dataset.batches(split, batch_size), threshold, bar.update)

    def _shares(self, mixed_op, uses, sizes):
        shares = np.average(uses, axis=0, weights=sizes).tolist()
        names = [branch.name for branch in mixed_op.branches]
        return dict(zip(names, shares, strict=True))

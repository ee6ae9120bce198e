"""Evaluator: accuracy and cost of a model, each branch run only where chosen."""

import numpy as np
import tensorflow as tf
from keras import ops
from tqdm import tqdm

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.data import dataset as datasets
from tfdyn.errors import UserError
from tfdyn.layers import execution
from tfdyn.routing.threshold import threshold_label, threshold_per_mixed_op


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
        raise UserError(
            f"The data ({dataset.input_format}) are not what {run} was trained on "
            f"({run.input_format()}). Give the right ones by --data_dir."
        )
    return dataset


class Evaluator:
    """Evaluates a model, by default each branch only on the inputs that chose it.

    Args:
        model: `RoutedModel`.
        table: Another `CostTable` to report, beside MACs and parameters.
        categories: Name of the category of each class, in the order of the labels, to
            tell the use of branches of each (`tfdyn.data.categories.names`).
        by: How the branches are run (`tfdyn.layers.execution`).
    """

    def __init__(self, model, table=None, categories=(), by=execution.dispatched):
        params = CostTable.count(model.modules, "params")
        tables = [params] if table is None else [params, table]
        costs = [RouteCost(model.modules, each) for each in tables]
        self.model, self.costs = model, [model.route_cost, *costs]
        self.categories = list(dict.fromkeys(categories))
        index = [self.categories.index(name) for name in categories]

        # Traced once: thresholds are tensors.
        @tf.function(reduce_retracing=True)
        def step(images, labels, threshold):
            with execution.scope(by):
                outputs = model(images, threshold=threshold, training=False)
            route = outputs["route"]
            runs = {name: ops.cast(w != 0, "float32") for name, w in route.items()}
            predicted = ops.argmax(outputs["logits"], axis=-1)
            labels = ops.cast(labels, "int32")
            right = ops.cast(predicted, "int32") == labels
            groups = ops.take(index, labels) if index else ops.zeros_like(labels)
            groups = ops.one_hot(groups, max(1, len(self.categories)), axis=0)
            return {
                "accuracy": ops.cast(right, "float32"),
                "branches_per_connection": sum(
                    ops.sum(run, axis=-1) for run in runs.values()
                )
                / len(runs),
                "use": {name: ops.matmul(groups, run) for name, run in runs.items()},
                "group_sizes": ops.sum(groups, axis=-1),
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
            `executed_share` (of the branches' MACs, those that were run), with a
            table `UNIT_mean`, and `use`: the share of inputs that ran a branch, by
            MixedOp and branch; with categories, `use_by_category`, those of each that
            there are inputs of.
        """
        threshold = self.model.threshold if threshold is None else threshold
        count = len(self.model.mixed_ops)
        threshold = tf.constant(threshold_per_mixed_op(threshold, count))
        results, sizes = [], []
        for images, labels in batches:
            result = self._step(images, labels, threshold)
            results.append(tf.nest.map_structure(lambda x: x.numpy(), result))
            sizes.append(len(result["accuracy"]))
            if progress:
                progress(sizes[-1])
        uses = [result.pop("use") for result in results]
        groups = np.sum([result.pop("group_sizes") for result in results], axis=0)
        use = {name: np.sum([each[name] for each in uses], axis=0) for name in uses[0]}
        values = {
            name: np.concatenate([result[name] for result in results]).astype(float)
            for name in results[0]
        }
        summary = {"examples": sum(sizes), "accuracy": values["accuracy"].mean()}
        for cost in self.costs:
            summary[f"{cost.unit}_mean"] = values[cost.unit].mean()
        summary["macs_std"] = values["macs"].std()
        summary["branches_per_connection"] = values["branches_per_connection"].mean()
        macs = self.model.route_cost
        executed = summary["macs_mean"] - macs.fixed
        summary["executed_share"] = executed / (macs.all_branches or 1)
        summary = {name: float(value) for name, value in summary.items()}
        summary["use"] = self._shares(
            {name: each.sum(0) for name, each in use.items()}, groups.sum()
        )
        if self.categories:
            summary["use_by_category"] = {
                category: self._shares({name: use[name][i] for name in use}, groups[i])
                for i, category in enumerate(self.categories)
                if groups[i]
            }
        return summary

    def on(self, dataset, split, threshold, batch_size=250):
        """Evaluates the model on a split of a `Dataset`, with a bar on terminals."""
        bar = tqdm(
            total=dataset.num_examples(split),
            desc=f"{split} {threshold_label(threshold)}",
            unit=" images",
            leave=False,
            disable=None,
        )
        with bar:
            return self(dataset.batches(split, batch_size), threshold, bar.update)

    def _shares(self, counts, inputs):
        return {
            name: {
                branch: float(count / inputs)
                for branch, count in zip(branches, counts[name], strict=True)
            }
            for name, branches in self.model.route_spec.branches.items()
        }

"""Evaluator: accuracy and cost of a model on images."""

from collections.abc import Callable, Iterable

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
from tfdyn.runs.run_folder import RunFolder


def load_data(run: RunFolder, data_dir=None) -> datasets.Dataset:
    """Loads the data set that a run was trained on, with the same validation split.

    Args:
        run: `RunFolder`.
        data_dir: Path of the data. `None`: the path in the settings of the run.

    Raises:
        UserError: If the data differ from those of the training.
        OSError: If the data are missing and cannot be downloaded.
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
            f"({run.input_format()}). Pass the path of the right data by --data_dir."
        )
    return dataset


class Evaluator:
    """Measures the accuracy and the cost of a model on images.

    By default each branch runs only on the images whose route uses it.

    Args:
        model: `RoutedModel`.
        table: `CostTable` of another cost to report, beside MACs and parameters.
        categories: Sequence of strings, the name of the category of each class by
            label (`tfdyn.data.categories.names`). With it, the use of branches is
            reported for each category.
        by: Function of `tfdyn.layers.execution` that runs the branches.
    """

    def __init__(
        self,
        model,
        table: CostTable | None = None,
        categories=(),
        by: Callable = execution.dispatched,
    ):
        params = CostTable.count(model.modules, "params")
        tables = [params] if table is None else [params, table]
        costs = [RouteCost(model.modules, table) for table in tables]
        self.model, self.costs = model, [model.route_cost, *costs]
        self.categories = list(dict.fromkeys(categories))
        index = [self.categories.index(name) for name in categories]

        # Thresholds are tensors, so that the step is traced only once.
        @tf.function(reduce_retracing=True)
        def step(images, labels, threshold):
            with execution.scope(by):
                outputs = model(images, threshold=threshold, training=False)
            route = outputs["route"]
            runs = {name: ops.cast(w != 0, "float32") for name, w in route.items()}
            predicted = ops.argmax(outputs["logits"], axis=-1)
            labels = ops.cast(labels, "int32")
            correct = ops.cast(predicted, "int32") == labels
            groups = ops.take(index, labels) if index else ops.zeros_like(labels)
            groups = ops.one_hot(groups, max(1, len(self.categories)), axis=0)
            return {
                "accuracy": ops.cast(correct, "float32"),
                "branches_per_connection": sum(
                    ops.sum(run, axis=-1) for run in runs.values()
                )
                / len(runs),
                "use": {name: ops.matmul(groups, run) for name, run in runs.items()},
                "group_sizes": ops.sum(groups, axis=-1),
                **{cost.unit: cost.total(route) for cost in self.costs},
            }

        self._step = step

    def __call__(
        self,
        batches: Iterable,
        threshold: float | list[float] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> dict:
        """Evaluates the model on batches.

        Args:
            batches: Iterable of images `(batch, height, width, channels)`, normalised,
                and labels `(batch,)`, integers.
            threshold: T, a number or a list with one number for each MixedOp. `None`:
                the threshold of the model.
            progress: Function that is called with the number of images after each
                batch.

        Returns:
            A dict:

            - `examples`: number of images.
            - `accuracy`: share of correct predictions, 0 to 1.
            - `macs_mean`, `macs_std`, `params_mean`: MACs of an image and parameters
              that it uses; `UNIT_mean`: cost by the table.
            - `branches_per_connection`: number of branches that run, mean over images
              and MixedOps.
            - `executed_share`: MACs of the branches that run, as a share of the MACs
              of all branches.
            - `use`: dict of dicts from MixedOp and branch to the share of images that
              run the branch.
            - `use_by_category`: `use` for each category that has images, only if there
              are categories.
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
        use = {name: np.sum([use[name] for use in uses], axis=0) for name in uses[0]}
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
            {name: counts.sum(0) for name, counts in use.items()}, groups.sum()
        )
        if self.categories:
            summary["use_by_category"] = {
                category: self._shares({name: use[name][i] for name in use}, groups[i])
                for i, category in enumerate(self.categories)
                if groups[i]
            }
        return summary

    def on(
        self,
        dataset: datasets.Dataset,
        split: str,
        threshold: float | list[float],
        batch_size: int = 250,
    ) -> dict:
        """Evaluates the model on a split, with a progress bar on terminals.

        Args:
            dataset: `Dataset`.
            split: "train", "validation" or "test".
            threshold: T, a number or a list with one number for each MixedOp.
            batch_size: Number of images in a batch.

        Returns:
            The dict of `__call__`.
        """
        bar = tqdm(
            total=dataset.num_examples(split),
            desc=f"{split} {threshold_label(threshold)}",
            unit=" images",
            leave=False,
            disable=None,
        )
        with bar:
            return self(dataset.batches(split, batch_size), threshold, bar.update)

    def _shares(self, counts, images):
        return {
            name: {
                branch: float(count / images)
                for branch, count in zip(branches, counts[name], strict=True)
            }
            for name, branches in self.model.route_spec.branches.items()
        }

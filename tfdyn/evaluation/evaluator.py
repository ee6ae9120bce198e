"""Evaluator: accuracy and cost of a model on images."""

import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import tensorflow as tf
from keras import ops
from tqdm import tqdm

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.data import dataset as datasets
from tfdyn.data import record
from tfdyn.layers import execution
from tfdyn.routing.threshold import threshold_label, threshold_per_mixed_op
from tfdyn.runs.run_folder import RunFolder
from tfdyn.training.seeds import reseed

# Shares of the images, between whose costs most of them lie.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


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
    path = settings.data_dir
    if path and not data_dir and not pathlib.Path(path).expanduser().is_dir():
        raise FileNotFoundError(
            f"The data of {run} are not in {path}, where they were in its training: "
            f"name their folder with --data_dir."
        )
    dataset = datasets.load(
        settings.dataset,
        data_dir or path,
        settings.image_size,
        settings.validation_share,
    )
    run.check_input(dataset.input_format)
    sys.stderr.write(record.notice(run, run.data(), dataset))
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
        options: Mapping of further arguments of the model's call, of those in its
            `call_options`. Random numbers start anew in each evaluation, so that the
            same batches have the same noise at every T.
    """

    def __init__(
        self,
        model,
        table: CostTable | None = None,
        categories=(),
        by: Callable = execution.dispatched,
        options: Mapping | None = None,
    ):
        params = CostTable.count(model.modules, "params")
        tables = [params] if table is None else [params, table]
        costs = [RouteCost(model.modules, table) for table in tables]
        self.model, self.costs = model, [model.route_cost, *costs]
        self.categories = np.array(categories)
        self.options = dict(options or {})

        # Thresholds are tensors, so that the step is traced only once.
        @tf.function(reduce_retracing=True)
        def step(images, labels, threshold):
            with execution.scope(by):
                outputs = model(
                    images, threshold=threshold, training=False, **self.options
                )
            route, logits = outputs["route"], outputs["logits"]
            return {
                "label": ops.cast(labels, "int32"),
                "predicted": ops.argmax(logits, axis=-1),
                "confidence": ops.max(ops.softmax(logits), axis=-1),
                "route": model.route_spec.flatten(route),
                **{cost.unit: cost.total(route) for cost in self.costs},
            }

        self._step = step

    def images(
        self,
        batches: Iterable,
        threshold: float | list[float] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> dict[str, np.ndarray]:
        """Evaluates the model image by image.

        Args:
            batches: Iterable of images `(batch, height, width, channels)`, normalised,
                and labels `(batch,)`, integers.
            threshold: T, a number or a list with one number for each MixedOp. `None`:
                the threshold of the model.
            progress: Function that is called with the number of images after each
                batch.

        Returns:
            A dict of arrays with one entry, or row, for each of the n images:

            - `label`, `predicted`: the class of the image and the predicted class.
            - `confidence`: probability of the predicted class, 0 to 1.
            - `route`: flat routes `(n, branches of all MixedOps)`.
            - `macs`, `params`: MACs of the image and parameters that it uses; `UNIT`:
              cost by the table.
        """
        threshold = self.model.threshold if threshold is None else threshold
        count = len(self.model.mixed_ops)
        threshold = tf.constant(threshold_per_mixed_op(threshold, count))
        results = []
        if self.options:
            reseed(self.model, seed=0, epoch=0)
        for images, labels in batches:
            result = self._step(images, labels, threshold)
            results.append({name: value.numpy() for name, value in result.items()})
            if progress:
                progress(len(results[-1]["label"]))
        return {
            name: np.concatenate([result[name] for result in results])
            for name in results[0]
        }

    def __call__(
        self,
        batches: Iterable,
        threshold: float | list[float] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> dict:
        """Evaluates the model on batches.

        The arguments are those of `images`.

        Returns:
            The dict of `summary`.
        """
        return self.summary(self.images(batches, threshold, progress))

    def summary(self, images: dict[str, np.ndarray]) -> dict:
        """Returns means over images.

        Args:
            images: Dict that the method `images` returned.

        Returns:
            A dict:

            - `examples`: number of images.
            - `accuracy`: share of correct predictions, 0 to 1.
            - `macs_mean`, `macs_std`, `params_mean`: MACs of an image and parameters
              that it uses; `UNIT_mean`: cost by the table. `ms_std`: standard
              deviation over images, if the table is in ms.
            - `macs_quantiles`, and `ms_quantiles` if the table is in ms: a list of the
              costs that the shares `QUANTILES` of the images stay within.
            - `branches_per_connection`: number of branches that run, mean over images
              and MixedOps.
            - `executed_share`: MACs of the branches that run, as a share of the MACs
              of all branches.
            - `use`: dict of dicts from MixedOp and branch to the share of images that
              run the branch.
            - `use_by_category`: `use` for each category that has images, only if there
              are categories.
        """
        runs, labels = images["route"] != 0, images["label"]
        summary = {
            "examples": len(labels),
            "accuracy": (images["predicted"] == labels).mean(),
        }
        for cost in self.costs:
            summary[f"{cost.unit}_mean"] = images[cost.unit].mean(dtype=float)
        for unit in ("macs", "ms"):
            if unit in images:
                summary[f"{unit}_std"] = images[unit].std(dtype=float)
        connections = len(self.model.mixed_ops)
        summary["branches_per_connection"] = runs.sum(axis=-1).mean() / connections
        macs = self.model.route_cost
        executed = summary["macs_mean"] - macs.fixed
        summary["executed_share"] = executed / (macs.all_branches or 1)
        summary = {name: float(value) for name, value in summary.items()}
        for unit in ("macs", "ms"):
            if unit in images:
                quantiles = np.quantile(images[unit].astype(float), QUANTILES)
                summary[f"{unit}_quantiles"] = quantiles.tolist()
        summary["use"] = self._shares(runs)
        if len(self.categories):
            of_image = self.categories[labels]
            summary["use_by_category"] = {
                category: self._shares(runs[of_image == category])
                for category in dict.fromkeys(self.categories.tolist())
                if category in of_image
            }
        return summary

    def images_of(
        self,
        dataset: datasets.Dataset,
        split: str,
        threshold: float | list[float],
        batch_size: int = 250,
    ) -> dict:
        """Evaluates the model on a split image by image, with a progress bar.

        Args:
            dataset: `Dataset`.
            split: "train", "validation" or "test".
            threshold: T, a number or a list with one number for each MixedOp.
            batch_size: Number of images in a batch.

        Returns:
            The dict of arrays of `images`.
        """
        bar = tqdm(
            total=dataset.num_examples(split),
            desc=f"{split} {threshold_label(threshold)}",
            unit=" images",
            leave=False,
            disable=None,
        )
        batches = dataset.batches(split, batch_size)
        with bar, dataset.explain_broken():
            return self.images(batches, threshold, bar.update)

    def on(
        self,
        dataset: datasets.Dataset,
        split: str,
        threshold: float | list[float],
        batch_size: int = 250,
    ) -> dict:
        """Evaluates the model on a split. The arguments are those of `images_of`.

        Returns:
            The dict of `summary`.
        """
        return self.summary(self.images_of(dataset, split, threshold, batch_size))

    def _shares(self, runs):
        spec = self.model.route_spec
        shares = spec.split(runs.mean(axis=0))
        return {
            name: dict(zip(branches, shares[name].tolist(), strict=True))
            for name, branches in spec.branches.items()
        }

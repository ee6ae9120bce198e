"""EvaluatedRun: a finished run with what its network does with each test image."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from tfdyn.costs import provenance
from tfdyn.data import categories as category_sets
from tfdyn.data.dataset import Dataset
from tfdyn.evaluation.evaluate_run import evaluate
from tfdyn.evaluation.evaluator import Evaluator, load_data
from tfdyn.models.routed_model import RoutedModel
from tfdyn.reporting.evaluation_file import read_evaluation
from tfdyn.runs.run_folder import RunFolder
from tfdyn.runs.tables import load_table

# What `evaluation.json` calls the options of the model's call.
OPTIONS = {"inference_noise": "noise", "inference_temperature": "temperature"}


@dataclasses.dataclass(frozen=True)
class EvaluatedRun:
    """A finished run, its evaluation, and its test images one by one.

    Attributes:
        run: `RunFolder`.
        name: Name of the run in the report.
        content: Content of its `evaluation.json`.
        model: Its `RoutedModel`.
        dataset: Its `Dataset`.
        categories: Name of the category of each class, by label; empty if there are
            none.
        threshold: T of the pictures: a number, or a list with one for each MixedOp.
        images: What `Evaluator.images` returned at that T, on the test images.
        full: The same at T=1.
        summary: What `Evaluator.summary` returned for `images`.
        table_origin: Where and when the cost table was measured, or `None`.
        batch_size: Number of images in a batch.
    """

    run: RunFolder
    name: str
    content: dict
    model: RoutedModel
    dataset: Dataset
    categories: Sequence[str]
    threshold: float | list[float]
    images: dict[str, np.ndarray]
    full: dict[str, np.ndarray]
    summary: dict
    table_origin: str | None
    batch_size: int

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, by label."""
        return self.dataset.input_format.class_names

    @property
    def unit(self) -> str:
        """Unit of the costs of images: "ms" if a latency table is there, or "macs"."""
        return "ms" if "ms" in self.images else "macs"

    @property
    def spec(self):
        """`RouteSpec` of the network."""
        return self.model.route_spec

    @property
    def runs(self) -> np.ndarray:
        """Boolean array `(images, branches)`, which branches run for each image."""
        return self.images["route"] != 0

    def pixels(self, indices: Iterable[int]) -> dict[int, np.ndarray]:
        """Reads some of the test images.

        Args:
            indices: Their indices among the test images, from 0.

        Returns:
            Dict from each index to pixels, uint8 `(height, width, channels)`.
        """
        wanted, pixels, start = set(map(int, indices)), {}, 0
        for images, labels in self.dataset.batches(
            "test", self.batch_size, normalize=False
        ):
            for index in wanted.intersection(range(start, start + len(labels))):
                pixels[index] = images[index - start].numpy()
            start += len(labels)
            if len(pixels) == len(wanted):
                break
        return pixels


def evaluated_run(
    run_dir,
    name: str,
    threshold=None,
    data_dir=None,
    cost_table=None,
    categories=None,
    batch_size: int = 250,
) -> EvaluatedRun:
    """Runs the network of a run on its test images, at one T and with all branches.

    A run that was not evaluated yet is evaluated first.

    Args:
        run_dir: Path of a finished run's folder.
        name: Name of the run in the report.
        threshold: T of the pictures. Default: that of the evaluation's use of branches,
            the nearest to the model's.
        data_dir: Folder of the data, if they have moved since the training.
        cost_table: Path of a cost table (default: as in `tfdyn.evaluate`).
        categories: Name or file of categories (default: those of the training).
        batch_size: Number of images in a batch.

    Raises:
        UserError: If the run is not finished, or a file or an argument is wrong.
        OSError: If the data are missing and cannot be downloaded.
    """
    run = RunFolder(run_dir)
    content = read_evaluation(run)
    if content is None:
        content = evaluate(
            run_dir,
            batch_size=batch_size,
            data_dir=data_dir,
            cost_table=cost_table,
            categories=categories,
        )
    model = run.load_model(content["weights"])
    shown = content["use"]["threshold"] if threshold is None else threshold
    if not model.has_routers:
        shown = 1.0
    _, table = load_table(run, cost_table)
    dataset = load_data(run, data_dir)
    names = category_sets.names(
        categories or run.settings().categories, dataset.input_format.class_names
    )
    options = {
        option: content[key]
        for key, option in OPTIONS.items()
        if key in content and option in model.call_options
    }
    evaluator = Evaluator(model, table, names, options=options)
    images = evaluator.images_of(dataset, "test", shown, batch_size)
    full = images
    if shown != 1.0:
        full = evaluator.images_of(dataset, "test", 1.0, batch_size)
    return EvaluatedRun(
        run,
        name,
        content,
        model,
        dataset,
        names,
        shown,
        images,
        full,
        evaluator.summary(images),
        provenance.origin(table) if table else None,
        batch_size,
    )

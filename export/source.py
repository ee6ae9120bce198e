"""Source: the network that is exported, and the folder it is exported to."""

import dataclasses
import functools
import pathlib

import keras
import numpy as np
from absl import logging

from tfdyn.data.dataset import Dataset, input_format_of
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.evaluation import reports
from tfdyn.evaluation.evaluator import load_data
from tfdyn.families.networks import build_network
from tfdyn.families.settings import Settings
from tfdyn.files import check_inside
from tfdyn.models.routed_model import RoutedModel
from tfdyn.reading import is_there
from tfdyn.runs.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Source:
    """Describes a network to export.

    Attributes:
        name: Name that is printed: the run's folder, or the network's name.
        model: `RoutedModel`.
        input_format: `InputFormat` of its images.
        settings: `Settings` of the run, or those that an untrained network was built
            from. `None` for a model that was passed from Python.
        folder: Folder of the exported files, a `pathlib.Path`.
        run: `RunFolder`, or `None` if the network belongs to no run.
        data_dir: Folder of the data, or `None` if it is the same as in the training.
        home: Folder for what is measured, such as latency tables: the run's folder, or
            an untrained network's folder in runs/untrained/. `None` for a model that
            was passed from Python.
    """

    name: str
    model: RoutedModel
    input_format: InputFormat
    settings: Settings | None
    folder: pathlib.Path
    run: RunFolder | None = None
    data_dir: str | None = None
    home: pathlib.Path | None = None

    @property
    def evaluation(self) -> dict | None:
        """Content of the run's `evaluation.json`, or `None` if there is none.

        Raises:
            UserError: If the file is broken.
        """
        path = self.run and self.run / "evaluation.json"
        return reports.read(path) if path and is_there(path) else None

    @functools.cached_property
    def dataset(self) -> Dataset:
        """The `Dataset` that the run was trained on, split in the same way.

        Raises:
            UserError: If the network belongs to no run, or its data are missing or are
                not those of the training.
            OSError: If its data are missing and cannot be downloaded.
        """
        if not self.run:
            raise UserError(
                f"--budget_ms and --latency_table need a trained run and its "
                f"validation images; got {self.name}. Name a run with --run_dir."
            )
        return load_data(self.run, self.data_dir)

    def test_images(self, count: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Returns the first test images of the run's data, and their labels.

        Args:
            count: Largest number of images.

        Returns:
            uint8 images `(n, height, width, channels)` and their labels `(n,)`. For a
            network that belongs to no run, and for a run whose data are not on this
            machine (a warning says so): `count` images of noise, and `None`.

        Raises:
            UserError: If the data are not those of the training.
            OSError: If `data_dir` was passed, and the data are not there.
        """
        if self.run:
            try:
                batches = self.dataset.batches("test", count, normalize=False).take(1)
                with self.dataset.explain_broken():
                    return next(iter(batches.as_numpy_iterator()))
            except OSError as error:
                if self.data_dir:
                    raise
                logging.warning(
                    "%s Until then noise takes the place of test images, and no "
                    "accuracy is measured.",
                    error,
                )
        generator = np.random.default_rng(0)
        shape = (count, *self.input_format.shape)
        return generator.integers(0, 256, shape, "uint8"), None

    def calibration_images(self, count: int) -> np.ndarray:
        """Returns training images on which the ranges of activations are observed.

        Args:
            count: Number of images. At most so many are returned as there are.

        Returns:
            uint8 images `(n, height, width, channels)`, drawn from the training images
            of the run, always the same ones. For a network that is not trained: noise.

        Raises:
            UserError: If the model was passed from Python, or the data are missing or
                are not those of the training.
            OSError: If the data are missing and cannot be downloaded.
        """
        if self.run:
            batches = self.dataset.batches(
                "train", count, shuffle=True, normalize=False
            )
            with self.dataset.explain_broken():
                return next(iter(batches.as_numpy_iterator()))[0]
        if self.settings is None:
            raise UserError(
                "The precision int8 needs images to calibrate on: pass "
                "calibration=images, uint8 images like those of the training."
            )
        generator = np.random.default_rng(1)
        return generator.integers(0, 256, (count, *self.input_format.shape), "uint8")

    @property
    def calibrated_on(self) -> str:
        """What `calibration_images` returns, for people."""
        if self.run:
            return f"training images of {self.dataset.name}"
        return "images that were passed" if self.settings is None else "noise"


def from_run(
    run_dir,
    folder: str | pathlib.Path | None = None,
    data_dir: str | None = None,
    operating_point: str | None = None,
) -> Source:
    """Returns the `Source` of a finished run.

    Args:
        run_dir: Path of the run's folder.
        folder: Folder of the exported files (default: `export/` in the run's folder).
        data_dir: Folder of the data, or `None` if it is the same as in the training.
        operating_point: "A" to "E": a model that the search of an InstaNAS kept, to
            use instead of the run's last one. Its own folder then takes the place of
            the run's folder.

    Raises:
        UserError: If the folder does not hold a finished run, the run has no such
            operating point, or its `export/` is a link that leads out of it.
    """
    home = run = RunFolder(run_dir)
    if operating_point:
        run = run.operating_point(operating_point)
        if not run.finished:
            raise UserError(
                f"{run_dir} has no operating point {operating_point}: the search of an "
                f"InstaNAS keeps them in operating_points/. Leave out "
                f"--operating_point, or name such a run with --run_dir."
            )
    model, input_format, settings = run.load_model(), run.input_format(), run.settings()
    if not folder:
        folder = check_inside(run / "export", home.path)
    folder = pathlib.Path(folder)
    return Source(
        str(run), model, input_format, settings, folder, run, data_dir, run.path
    )


def from_model(model: RoutedModel, input_format: InputFormat, folder) -> Source:
    """Returns the `Source` of a model that belongs to no run.

    Args:
        model: `RoutedModel`. Heads that only training needs are not exported.
        input_format: `InputFormat` of its images.
        folder: Path of the folder of the exported files.

    Raises:
        UserError: If the model and the input format differ in the shape of the images
            or in the number of classes.
    """
    expected = (tuple(model.arguments["input_shape"]), model.arguments["num_classes"])
    actual = (input_format.shape, len(input_format.class_names))
    if actual != expected:
        raise UserError(
            f"The model reads images of {expected[0]} and has {expected[1]} classes; "
            f"the input format has {actual[0]} and {actual[1]} classes. Pass the input "
            f"format that the model was built for."
        )
    folder = pathlib.Path(folder)
    return Source(model.name, model.for_inference(), input_format, None, folder)


def untrained(
    settings: Settings, name: str, folder: str | pathlib.Path | None = None
) -> Source:
    """Returns the `Source` of a network with random weights, to measure its latency.

    Args:
        settings: `Settings` that describe the network, and the seed of its weights.
        name: Name of its folder in runs/untrained/.
        folder: Folder of the exported files (default: `export/` in that folder).

    Raises:
        UserError: If a setting does not fit the network.
    """
    keras.utils.set_random_seed(settings.seed)
    input_format = input_format_of(
        settings.dataset, settings.data_dir, settings.image_size
    )
    classes = len(input_format.class_names)
    model = build_network(settings, input_format.shape, classes).for_inference()
    home = pathlib.Path("runs/untrained", name)
    folder = pathlib.Path(folder or home / "export")
    title = f"{name}, untrained"
    return Source(title, model, input_format, settings, folder, home=home)

"""Source: the network that is exported, and the folder it is exported to."""

import dataclasses
import functools
import json
import pathlib

import keras
import numpy as np

from tfdyn.data.dataset import input_format_of
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.evaluation.evaluator import load_data
from tfdyn.families.instanas.operating_points import point_folder
from tfdyn.families.networks import build_network
from tfdyn.families.settings import Settings
from tfdyn.models.routed_model import RoutedModel
from tfdyn.runs.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Source:
    """A network to export.

    Attributes:
        name: Name for people: the run's folder, or the network's name.
        model: `RoutedModel`.
        input_format: `InputFormat` of its images.
        settings: `Settings` that it was trained with or would be, or `None`.
        folder: Folder of the exported files, a `pathlib.Path`.
        run: `RunFolder`, or `None` if the network is not trained.
        data_dir: Folder of its data, if they have moved since the training.
        home: Folder of what is measured (latency tables and the like): that of the run.
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
    def evaluation(self):
        """The run's `evaluation.json`, or `None`."""
        path = self.run and self.run / "evaluation.json"
        return json.loads(path.read_text()) if path and path.exists() else None

    @functools.cached_property
    def dataset(self):
        """The `Dataset` that the run was trained on, with its validation share.

        Raises:
            ValueError: If it is no run, or its data are not found.
        """
        if not self.run:
            raise UserError(
                f"--budget_ms and --latency_table need a trained run and its "
                f"validation images; got {self.name}. Name a run by --run_dir."
            )
        return load_data(self.run, self.data_dir)

    def test_images(self, count):
        """Returns uint8 test images and their labels; noise and `None` if not trained.

        Args:
            count: How many, at most.
        """
        if not self.run:
            generator = np.random.default_rng(0)
            shape = (count, *self.input_format.shape)
            return generator.integers(0, 256, shape, "uint8"), None
        batches = self.dataset.batches("test", count, normalize=False).take(1)
        images, labels = next(iter(batches.as_numpy_iterator()))
        return images, labels


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
        data_dir: Folder of its data, if they have moved since the training.
        operating_point: A to E, one of the models that a search kept, instead of the
            end of the training. Its folder then stands for the run's.

    Raises:
        UserError: If it is not a finished run, or has no such operating point.
    """
    run = RunFolder(run_dir)
    if operating_point:
        run = point_folder(run, operating_point)
        if not run.finished:
            raise UserError(
                f"{run_dir} has no operating point {operating_point}: the search of an "
                f"InstaNAS keeps them in operating_points/. Leave out "
                f"--operating_point, or name such a run with --run_dir."
            )
    return Source(
        str(run),
        run.load_model(),
        run.input_format(),
        run.settings(),
        pathlib.Path(folder or run / "export"),
        run,
        data_dir,
        home=run.path,
    )


def from_model(model: RoutedModel, input_format: InputFormat, folder) -> Source:
    """Returns the `Source` of a model that belongs to no run.

    Args:
        model: `RoutedModel`; heads that exist in training only are left out.
        input_format: `InputFormat` of its images.
        folder: Folder of the exported files.

    Raises:
        UserError: If model and format differ in shape or number of classes.
    """
    expected = (tuple(model.arguments["input_shape"]), model.arguments["num_classes"])
    actual = (input_format.shape, len(input_format.class_names))
    if actual != expected:
        raise UserError(
            f"The model reads images of {expected[0]} and has {expected[1]} classes; "
            f"the input format has {actual[0]} and {actual[1]} classes."
        )
    folder = pathlib.Path(folder)
    return Source(model.name, model.for_inference(), input_format, None, folder)


def untrained(
    settings: Settings, name: str, folder: str | pathlib.Path | None = None
) -> Source:
    """Returns the `Source` of a network with random weights, to be measured.

    Args:
        settings: `Settings` that describe the network; its seed is theirs.
        name: Name of its folder below runs/untrained/.
        folder: Folder of the exported files (default: `export/` in that folder).

    Raises:
        UserError: If a setting does not fit the network.
    """
    keras.utils.set_random_seed(settings.seed)
    form = input_format_of(settings.dataset, settings.data_dir, settings.image_size)
    model = build_network(settings, form.shape, len(form.class_names)).for_inference()
    home = pathlib.Path("runs/untrained", name)
    folder = pathlib.Path(folder or home / "export")
    return Source(f"{name}, untrained", model, form, settings, folder, home=home)

"""Source: the network that is exported, and the folder it is exported to."""

import dataclasses
import functools
import json
import pathlib
import tempfile

from absl import flags

from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.routing.threshold import threshold_from_flag
from tfdyn.settings.fields import define_flags, from_flags

FLAGS = flags.FLAGS


@dataclasses.dataclass(frozen=True)
class Source:
    """A network to export.

    Attributes:
        name: What it is, for people.
        model: `RoutedModel`.
        input_format: `InputFormat` of its images.
        settings: `Settings` it was trained with, or would be.
        folder: Folder of the exports, a `pathlib.Path`.
        run: `RunFolder`, or `None` if it is not trained.
        data_dir: Where its data are, if they have moved.
    """

    name: str
    model: object
    input_format: object
    settings: Settings
    folder: pathlib.Path
    run: object = None
    data_dir: str | None = None

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
        from tfdyn.evaluation.evaluator import load_data

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
        import numpy as np

        if not self.run:
            generator = np.random.default_rng(0)
            shape = (count, *self.input_format.shape)
            return generator.integers(0, 256, shape, "uint8"), None
        batches = self.dataset.batches("test", count, normalize=False).take(1)
        images, labels = next(iter(batches.as_numpy_iterator()))
        return images, labels


def from_run(run_dir, folder=None, data_dir=None, operating_point=None):
    """Returns the `Source` of a finished run; exports go to its `export/`.

    Args:
        run_dir: Folder of the run.
        folder: Where exports go, if not there.
        data_dir: Where its data are, if they have moved.
        operating_point: One that a search left, A to E, in place of the end of the
            training; exports go to the folder of that.

    Raises:
        ValueError: If it is not a finished run, or has no operating points.
    """
    from tfdyn.families.instanas.operating_points import point_folder
    from tfdyn.runs.run_folder import RunFolder

    run = RunFolder(run_dir)
    if operating_point:
        run = point_folder(run, operating_point)
        if not run.finished:
            raise UserError(
                f"{run_dir} has no operating point {operating_point}: the search of an "
                f"InstaNAS leaves them in operating_points/. Leave out "
                f"--operating_point, or name such a run by --run_dir."
            )
    model = run.load_model()
    folder = pathlib.Path(folder or run / "export")
    form, settings = run.input_format(), run.settings()
    return Source(str(run), model, form, settings, folder, run, data_dir)


def untrained(settings, name, folder=None):
    """Returns the `Source` of a network with random weights, to be measured."""
    import keras

    from tfdyn.data.dataset import input_format_of
    from tfdyn.families.networks import build_network

    keras.utils.set_random_seed(settings.seed)
    form = input_format_of(settings.dataset, settings.data_dir, settings.image_size)
    model = build_network(settings, form.shape, len(form.class_names)).for_inference()
    folder = pathlib.Path(folder or f"runs/untrained/{name}/export")
    return Source(f"{name}, untrained", model, form, settings, folder)


def define():
    """Defines the flags that say what is exported, for a command."""
    define_flags(Settings)
    flags.DEFINE_string(
        "run_dir", None, "Run to export (default: the newest in runs/)."
    )
    flags.DEFINE_string(
        "export_dir", None, "Where the files go (default: export/ in the run's folder)."
    )
    flags.DEFINE_bool("threshold_input", False, "Make T an input too, a scalar.")
    flags.DEFINE_bool("preprocess", True, "Take uint8 images, and normalise inside.")
    flags.DEFINE_integer("check_images", 256, "Images to check on.", lower_bound=1)
    flags.declare_key_flag("threshold")
    flags.declare_key_flag("data_dir")
    flags.declare_key_flag("operating_point")


def form_from_flags(source, variant="routed"):
    """Returns the `Form` that the flags ask for; T is the network's own by default."""
    from export.graph.form import Form

    threshold = source.model.threshold
    if FLAGS["threshold"].present:
        threshold = threshold_from_flag(FLAGS.threshold)
    return Form(variant, threshold, FLAGS.threshold_input, FLAGS.preprocess)


def from_command():
    """Returns the `Source` that the flags name; the newest run, if none."""
    from tfdyn.runs.run_folder import newest_run

    name = commands.flagfile_name()
    if name and not FLAGS.run_dir:
        return untrained(from_flags(Settings), name, FLAGS.export_dir)
    run_dir = FLAGS.run_dir or newest_run().path
    # In a flagfile it is a setting of the training.
    chosen = FLAGS["operating_point"].present and not name
    point = FLAGS.operating_point if chosen else None
    return from_run(run_dir, FLAGS.export_dir, FLAGS.data_dir, point)


def writable(folder):
    """Makes a folder to write to, before much is computed for it.

    Raises:
        OSError: If it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(
            f"{folder} cannot be written to ({error.strerror}); choose another folder."
        ) from error

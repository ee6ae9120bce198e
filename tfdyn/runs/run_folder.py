"""RunFolder: what a run leaves behind, and how to read it."""

import dataclasses
import pathlib

import keras

from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.families import networks  # noqa: F401  registers what Keras is to load
from tfdyn.families.settings import Settings
from tfdyn.files import PREFIX, whole, write_text
from tfdyn.models.routed_model import RoutedModel
from tfdyn.runs.precision import dtype_policy
from tfdyn.settings.fields import from_flagfile, to_flagfile


class RunFolder:
    """Files of a run.

    `flags.txt` (a flagfile that repeats the run), `input.json` (class names, shape
    and normalisation), `metrics.csv`, `checkpoints/`, `tensorboard/`, `best.keras`
    (best epoch of the last stage on the validation share), `model.keras` (the end of
    the training; float32, no optimizer, no auxiliary head), `evaluation.json` and
    `evaluation.png`.

    Args:
        path: The folder.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def __str__(self):
        return str(self.path)

    def __truediv__(self, name):
        return self.path / name

    def subfolder(self, name: str) -> "RunFolder":
        """Returns the `RunFolder` in a folder inside this one.

        Args:
            name: Path of that folder, relative to this one.
        """
        return RunFolder(self.path / name)

    @property
    def finished(self):
        """Whether the training came to its end."""
        return (self / "model.keras").exists()

    def check(self, settings):
        """Checks that the folder does not hold a run of other settings.

        Raises:
            ValueError: If it does.
        """
        if not (self / "flags.txt").exists():
            return
        differences = _differences(self.settings(), settings)
        if differences:
            raise UserError(
                f"{self} holds a run of other settings: {'; '.join(differences)}. "
                f"Choose another --run_dir, or delete the folder."
            )

    def start(self, settings):
        """Makes the folder, or checks that it holds a run of the same settings.

        Raises:
            ValueError: If it holds something else.
        """
        self.check(settings)
        entries = {path.name for path in self.path.glob("*")}
        if "flags.txt" in entries:
            for leftover in self.path.glob(f"{PREFIX}*"):  # A kill left it.
                leftover.unlink()
            return
        if entries - {f"{PREFIX}flags.txt"}:
            raise UserError(
                f"{self} is not empty and not a run folder (it has no flags.txt). "
                f"Choose another --run_dir."
            )
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self / "flags.txt", to_flagfile(settings))

    def settings(self):
        """Reads the run's `Settings`."""
        return from_flagfile(Settings, self._existing("flags.txt"))

    def input_format(self):
        """Reads the run's `InputFormat`."""
        return InputFormat.load(self._existing("input.json"))

    def latency_tables(self):
        """Returns the paths of its latency tables, `latency.DEVICE.json`, in order."""
        paths = sorted(self.path.glob("latency.*.json"))
        # What tables were held against stands beside them.
        return [path for path in paths if not path.match("*.validation.json")]

    def save_model(self, model, name="model.keras"):
        """Saves a model for inference, in float32, whole or not at all."""
        with dtype_policy("float32"):
            copy = model.for_inference()
        with whole(self / name) as temporary:
            copy.save(temporary)

    def load_model(self, name="model.keras"):
        """Loads a model of the run.

        Raises:
            ValueError: If the run is not finished, or the file is truncated or not
                a model of tfdyn.
        """
        path = self / name
        if not path.exists() and (self / "flags.txt").exists():
            raise UserError(
                f"The run {self} is not finished: it has no {name}. Train it to its "
                f"end with `python -m tfdyn.train --flagfile={self / 'flags.txt'} "
                f"--run_dir={self}`."
            )
        path = self._existing(name)
        try:
            with dtype_policy("float32"):
                model = keras.saving.load_model(path, compile=False)
        except Exception as error:
            # Keras raises errors of zip, JSON, HDF5 and its own for a broken file.
            raise UserError(
                f"{path} cannot be read: it is truncated or not a model of tfdyn "
                f"({type(error).__name__}: {error})."
            ) from error
        if not isinstance(model, RoutedModel):
            raise UserError(
                f"{path} holds a {type(model).__name__}, not a model of tfdyn."
            )
        return model

    def _existing(self, name):
        if not (self / name).exists():
            raise UserError(f"{self} is not a run folder: it has no {name}.")
        return self / name


def _differences(there, here):
    names = [field.name for field in dataclasses.fields(Settings)]
    return [
        f"--{name} is {getattr(there, name)} there, {getattr(here, name)} here"
        for name in names
        if getattr(there, name) != getattr(here, name)
    ]


def newest_run(folder="runs"):
    """Returns the newest finished run in a folder.

    Raises:
        ValueError: If there is none.
    """
    models = pathlib.Path(folder).glob("*/model.keras")
    newest = max(models, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise UserError(
            f"There is no finished run in {folder}/: train one with `python -m "
            f"tfdyn.train --flagfile=configs/quickstart.flags`, or name one by "
            f"--run_dir."
        )
    return RunFolder(newest.parent)


def load(run_dir, name: str = "model.keras") -> RoutedModel:
    """Loads the trained model of a run.

    ```python
    model = tfdyn.load("runs/quickstart")
    outputs = model(images, threshold=0.8)
    ```

    Args:
        run_dir: Path of a finished run's folder.
        name: "model.keras", the end of the training, or "best.keras", its best epoch
            on the validation images.

    Raises:
        UserError: If the run is not finished, or the file cannot be read.
    """
    return RunFolder(run_dir).load_model(name)

"""RunFolder: the files of a training, and how to read them."""

import pathlib

import keras

from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.families import networks  # noqa: F401  registers the layers that Keras loads
from tfdyn.families.settings import Settings
from tfdyn.files import check_inside, whole, write_text
from tfdyn.locks import NAME as LOCK
from tfdyn.models.routed_model import RoutedModel
from tfdyn.runs.precision import dtype_policy
from tfdyn.settings.fields import differences
from tfdyn.settings.flagfiles import from_flagfile, to_flagfile


class RunFolder:
    """Reads and writes the files of a run.

    A run folder holds:

    - `flags.txt`: flagfile with all settings, which repeats the run.
    - `input.json`: `InputFormat` of the images.
    - `metrics.csv`, `tensorboard/`: logs of each epoch.
    - `checkpoints/`: the newest two checkpoints.
    - `best.keras`: model of the best epoch of the last stage, on the validation images.
    - `model.keras`: model at the end of the training, in float32, without optimizer
      and auxiliary head. If this file exists, the run is finished.
    - `evaluation.json`, `evaluation.png`: results of `python -m tfdyn.evaluate`.
    - `latency.DEVICE.json`: latency tables.
    - `operating_points/`: models that a search kept (InstaNAS).

    Args:
        path: Path of the folder.
    """

    def __init__(self, path: str | pathlib.Path):
        self.path = pathlib.Path(path)

    def __str__(self):
        return str(self.path)

    def __truediv__(self, name):
        return self.path / name

    def output(self, name: str) -> pathlib.Path:
        """Returns the path of a file or folder of the run that is written to.

        Args:
            name: Name in the run's folder.

        Raises:
            UserError: If it is a link that leads out of the folder.
        """
        return check_inside(self.path / name, self.path)

    def operating_point(self, name: str) -> "RunFolder":
        """Returns the `RunFolder` of a model that a search kept (InstaNAS).

        Args:
            name: Name of the operating point, from A to E.
        """
        return RunFolder(self.path / "operating_points" / name)

    @property
    def finished(self) -> bool:
        """Whether the training has reached its end."""
        return (self / "model.keras").exists()

    def check(self, settings: Settings) -> None:
        """Checks that the folder does not hold a run of other settings.

        Args:
            settings: `Settings` to compare with.

        Raises:
            UserError: If the folder holds a run of other settings.
        """
        if not (self / "flags.txt").exists():
            return
        differing = [
            f"--{name} is {there} there, {here} here"
            for name, there, here in differences(self.settings(), settings)
        ]
        if differing:
            raise UserError(
                f"{self} holds a run of other settings: {'; '.join(differing)}. "
                f"Choose another --run_dir, or delete the folder."
            )

    def start(self, settings: Settings) -> None:
        """Creates the folder, or checks that it holds a run of the same settings.

        Args:
            settings: `Settings` of the run.

        Raises:
            UserError: If the folder holds a run of other settings, or other files.
        """
        self.check(settings)
        if (self / "flags.txt").exists():
            return
        if any(path.name != LOCK for path in self.path.glob("*")):
            raise UserError(
                f"{self} is not empty and not a run folder (it has no flags.txt). "
                f"Choose another --run_dir."
            )
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self / "flags.txt", to_flagfile(settings))

    def settings(self) -> Settings:
        """Reads the `Settings` of the run.

        Raises:
            UserError: If there is no run in the folder, or `flags.txt` is wrong.
        """
        return from_flagfile(Settings, self._existing("flags.txt"))

    def input_format(self) -> InputFormat:
        """Reads the `InputFormat` of the run.

        Raises:
            UserError: If there is no run in the folder, or `input.json` is wrong.
        """
        return InputFormat.load(self._existing("input.json"))

    def latency_tables(self) -> list[pathlib.Path]:
        """Returns the paths of the latency tables, `latency.DEVICE.json`, sorted."""
        paths = sorted(self.path.glob("latency.*.json"))
        # The validation of a table lies beside it and is not a table.
        return [path for path in paths if not path.match("*.validation.json")]

    def save_model(self, model: RoutedModel, name: str = "model.keras") -> None:
        """Saves a model for inference in float32.

        The file is written whole or not at all.

        Args:
            model: `RoutedModel`.
            name: Name of the file in the folder.
        """
        with dtype_policy("float32"):
            copy = model.for_inference()
        with whole(self / name) as temporary:
            copy.save(temporary)

    def load_model(self, name: str = "model.keras") -> RoutedModel:
        """Loads a model of the run, in float32.

        Args:
            name: Name of the file in the folder.

        Raises:
            UserError: If the file does not exist, is truncated or is not a model of
                tfdyn.
        """
        path = self / name
        if not path.exists() and (self / "flags.txt").exists():
            if self.finished and not self.settings().validation_share:
                raise UserError(
                    f"{self} has no {name}: it was trained with --validation_share=0, "
                    f"so no epoch is known to be the best. Use model.keras."
                )
            raise UserError(
                f"The run {self} is not finished: it has no {name}. Finish it with "
                f"`python -m tfdyn.train --flagfile={self / 'flags.txt'} "
                f"--run_dir={self}`."
            )
        path = self._existing(name)
        try:
            with dtype_policy("float32"):
                model = keras.saving.load_model(path, compile=False)
        except Exception as error:
            # For a broken file Keras raises errors of zip, JSON, HDF5 and its own.
            raise UserError(
                f"{path} cannot be read: it is truncated or not a model of tfdyn "
                f"({type(error).__name__}: {error}). Use another file, or train again."
            ) from error
        if not isinstance(model, RoutedModel):
            raise UserError(
                f"{path} holds a {type(model).__name__}, not a model of tfdyn. Pass a "
                f"run folder of `python -m tfdyn.train`."
            )
        return model

    def _existing(self, name):
        if not (self / name).exists():
            raise UserError(
                f"{self} is not a run folder: it has no {name}. Pass a folder that "
                f"`python -m tfdyn.train` wrote."
            )
        return self / name


def newest_run(folder: str | pathlib.Path = "runs") -> RunFolder:
    """Returns the newest finished run in a folder.

    Args:
        folder: Path of the folder that holds run folders.

    Raises:
        UserError: If there is no finished run.
    """
    models = pathlib.Path(folder).glob("*/model.keras")
    newest = max(models, key=lambda path: path.stat().st_mtime, default=None)
    if newest is None:
        raise UserError(
            f"There is no finished run in {folder}/: train a network with "
            f"`python -m tfdyn.train --flagfile=configs/quickstart.flags`, or name a "
            f"run with --run_dir."
        )
    return RunFolder(newest.parent)


def load(run_dir, name: str = "model.keras") -> RoutedModel:
    """Loads the trained model of a run.

    ```python
    model = tfdyn.load("runs/quickstart")
    outputs = model(images, threshold=0.8)
    ```

    Args:
        run_dir: Path of the folder of a finished run.
        name: "model.keras", the model at the end of the training, or "best.keras", the
            model of the best epoch of the last stage on the validation images.

    Raises:
        UserError: If the file does not exist or cannot be read.
    """
    return RunFolder(run_dir).load_model(name)

"""RunFolder: the files of a training, and how to read them."""

import pathlib

from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.families import networks  # noqa: F401  registers the layers that Keras loads
from tfdyn.families.settings import Settings
from tfdyn.files import check_inside, whole, write_json, write_text
from tfdyn.locks import NAME as LOCK
from tfdyn.models.routed_model import RoutedModel
from tfdyn.reading import is_there, read_json, read_text
from tfdyn.runs import model_file
from tfdyn.runs.precision import dtype_policy
from tfdyn.settings.fields import differences
from tfdyn.settings.flagfiles import from_flagfile, to_flagfile
from tfdyn.temporary import PREFIX
from tfdyn.text import is_line

# Settings that every flags.txt has had: one without them is empty or cut off.
ALWAYS_SET = ("network", "dataset", "batch_size")
MEND = "Restore the file, or name another run."


class RunFolder:
    """Reads and writes the files of a run.

    A run folder holds:

    - `flags.txt`: flagfile with all settings, which repeats the run.
    - `input.json`: `InputFormat` of the images.
    - `data.json`: number of images by split and class, and a digest of the test images
      (`tfdyn.data.record`).
    - `metrics.csv`, `tensorboard/`: logs of each epoch; `checkpoints/`: the newest two.
    - `best.keras`: model of the best epoch of the last stage, on the validation images.
    - `model.keras`: model at the end of the training, in float32, without optimizer
      and auxiliary head. If this file exists, the run is finished.
    - `evaluation.json`, `evaluation.png`: results of `python -m tfdyn.evaluate`.
    - `latency.DEVICE.json`: latency tables; `latency.DEVICE-PRECISION.json` those of
      another precision than float32.
    - `report/`: what `python -m tfdyn.report` has drawn.
    - `operating_points/`: models that a search kept (InstaNAS).

    Args:
        path: Path of the folder.
    """

    def __init__(self, path: str | pathlib.Path):
        if not str(path):
            raise UserError("The path of a run folder is empty: name a folder.")
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

        Raises:
            UserError: If it is a link that leads out of the folder.
        """
        return RunFolder(self.output(f"operating_points/{name}"))

    @property
    def finished(self) -> bool:
        """Whether the training has reached its end."""
        return (self / "model.keras").exists()

    def check(self, settings: Settings) -> None:
        """Checks that the folder is new, or holds a run of the same settings.

        Args:
            settings: `Settings` to compare with.

        Raises:
            UserError: If the folder holds a run of other settings, or other files; or
                if a setting cannot be kept in `flags.txt`.
        """
        to_flagfile(settings)
        if not is_line(str(self)):
            raise UserError(
                f"The name of the run folder {str(self)!r} has a line break or is not "
                f"UTF-8: choose another --run_dir."
            )
        if not is_there(self / "flags.txt"):
            ours = (LOCK, "flags.txt")
            names = [path.name for path in self.path.glob("*")]
            if any(not name.startswith(PREFIX) and name not in ours for name in names):
                raise UserError(
                    f"{self} is not empty and not a run folder (it has no flags.txt). "
                    f"Choose another --run_dir."
                )
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

    def check_input(self, input_format: InputFormat) -> None:
        """Checks that images have the form and the classes of the run.

        A run that was interrupted before its first epoch may have none yet.

        Args:
            input_format: `InputFormat` of the images.

        Raises:
            UserError: If they have not.
        """
        begun = self.finished or is_there(self / "metrics.csv")
        if not begun and not is_there(self / "input.json"):
            return
        difference = self.input_format().difference(input_format)
        if difference:
            raise UserError(
                f"The data are not what {self} was trained on, by its input.json: "
                f"{difference}. Restore them, pass their path by --data_dir, or choose "
                f"another --run_dir."
            )

    def start(
        self, settings: Settings, input_format: InputFormat, data: dict | None = None
    ) -> None:
        """Creates the folder, or checks that it holds a run of the same settings.

        What describes the run is written once: a run that has begun keeps it.

        Args:
            settings: `Settings` of the run.
            input_format: `InputFormat` of its images.
            data: Record of its data (`tfdyn.data.record.make`).

        Raises:
            UserError: If the folder holds a run of other settings or other data, or
                other files.
        """
        self.check(settings)
        self.check_input(input_format)
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self / "flags.txt").exists():
            write_text(self / "flags.txt", to_flagfile(settings))
        if not (self / "input.json").exists():
            input_format.save(self / "input.json")
        if data and not (self / "metrics.csv").exists():
            write_json(self / "data.json", data)

    def settings(self) -> Settings:
        """Reads the `Settings` of the run.

        Raises:
            UserError: If there is no run in the folder, or `flags.txt` is wrong.
        """
        path = self._existing("flags.txt")
        settings = from_flagfile(Settings, path)
        text = read_text(path, "the settings of a run", MEND)
        for name in ALWAYS_SET:
            if f"--{name}=" not in text:
                raise UserError(f"{path} has no --{name}, as each run has. {MEND}")
        return settings

    def input_format(self) -> InputFormat:
        """Reads the `InputFormat` of the run.

        Raises:
            UserError: If there is no run in the folder, or `input.json` is wrong.
        """
        return InputFormat.load(self._existing("input.json"))

    def data(self) -> dict | None:
        """Reads the record of the run's data; `None` for runs that have none.

        Raises:
            UserError: If `data.json` is wrong.
        """
        path = self / "data.json"
        if not is_there(path):
            return None
        return read_json(path, "the record of a run's data", "Restore or delete it.")

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
        if not path.exists() and self.finished:
            raise UserError(
                f"{self} has no {name}: it was trained without validation images "
                f"(--validation_share=0, or too few images), so no epoch is known to "
                f"be the best, or the file was deleted. Use model.keras."
            )
        if not path.exists() and (self / "flags.txt").exists():
            raise UserError(
                f"The run {self} is not finished: it has no {name}. Finish it with "
                f"`python -m tfdyn.train --flagfile={self / 'flags.txt'} "
                f"--run_dir={self}`."
            )
        return model_file.load(self._existing(name))

    def _existing(self, name):
        if self.path.is_file():
            raise UserError(
                f"{self} is a file: pass the folder of the run that holds it."
            )
        if not (self / name).exists():
            reason = f"it has no {name}" if self.path.exists() else "it does not exist"
            raise UserError(
                f"{self} is not a run folder: {reason}. Pass a folder that "
                f"`python -m tfdyn.train` wrote."
            )
        return self / name

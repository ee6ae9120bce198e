"""Finished runs: the newest in a folder, and the model of one."""

import pathlib

from tfdyn.errors import UserError
from tfdyn.models.routed_model import RoutedModel
from tfdyn.runs import model_file
from tfdyn.runs.run_folder import RunFolder


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
        run_dir: Path of the folder of a finished run, or of one of its models.
        name: "model.keras", the model at the end of the training, or "best.keras", the
            model of the best epoch of the last stage on the validation images. Ignored
            if `run_dir` is the path of a model.

    Raises:
        UserError: If the file does not exist or cannot be read.
    """
    run = RunFolder(run_dir)
    if run.path.suffix == ".keras" and not run.path.is_dir():
        return model_file.load(run.path)
    return run.load_model(name)

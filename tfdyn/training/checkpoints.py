"""Checkpoints: the weights of a model and its optimizer after each epoch."""

import math
import pathlib
import re
import sys
from typing import TextIO

import keras
import tensorflow as tf

from tfdyn.errors import UserError
from tfdyn.files import whole_set
from tfdyn.temporary import finish
from tfdyn.training.writing import writing

# The files of a checkpoint: the weights in one or several parts, and their index.
FILE = re.compile(r"epoch-([1-9]\d{0,8})\.(?:index|data-(\d{5})-of-(\d{5}))")


class Checkpoints:
    """Writes and reads checkpoints, and keeps the newest two.

    The checkpoint of epoch N is `epoch-N.index` with its `epoch-N.data-*`. It is
    written in a new folder and moved, the index last, so one with an index is whole.
    Nothing else in the folder is read or deleted: TensorFlow's file `checkpoint`, which
    older runs have, names paths that may lead anywhere.

    Args:
        folder: Path of the folder that holds the checkpoints.
        model: Keras model. It must be compiled if its optimizer is saved or restored.
        output: Text stream for messages. Default: standard error.

    Attributes:
        optimizers: List of the Keras optimizers to save and restore. `None`: the
            optimizer that the model is compiled with.
    """

    def __init__(self, folder, model: keras.Model, output: TextIO | None = None):
        self.folder, self.model = pathlib.Path(folder), model
        self.output = output or sys.stderr
        self.optimizers = None

    def last_epoch(self) -> int:
        """Returns the number of epochs trained at the newest checkpoint, or 0.

        A broken checkpoint is passed over, and a line says so.

        Raises:
            UserError: If the folder holds files of checkpoints, but none can be read.
        """
        finish(self.folder)
        broken = []
        for epoch, paths in sorted(self._files().items(), reverse=True):
            if self._is_whole(epoch, paths):
                if broken:
                    self.output.write(
                        f"{', '.join(broken)} in {self.folder} cannot be read: "
                        f"truncated, or a file is missing\n"
                    )
                return epoch
            broken.append(f"epoch-{epoch}")
        broken += [path.name for path in sorted(self.folder.glob("*.index"))]
        if broken:
            raise UserError(
                f"{self.folder} holds no checkpoint epoch-N that can be read, but "
                f"{broken[0]}. Put its files back as they were, or delete the run's "
                f"folder to train from the beginning."
            )
        return 0

    def save(self, epochs: int) -> None:
        """Writes a checkpoint, and deletes all but it and the one before.

        Args:
            epochs: Number of epochs trained so far.

        Raises:
            OSError: If it cannot be written. The checkpoints before it are kept.
        """
        name = f"epoch-{epochs}"
        self.folder.mkdir(parents=True, exist_ok=True)
        with writing(self.folder), whole_set(self.folder) as temporary:
            self._contents(with_optimizer=True).write(str(temporary / name))
            # A broken one of this epoch.
            (self.folder / f"{name}.index").unlink(missing_ok=True)
        files = self._files()
        for epoch in sorted(epoch for epoch in files if epoch < epochs)[:-1]:
            for path in sorted(files[epoch], reverse=True):  # The index first.
                path.unlink()

    def restore(self, epoch: int, with_optimizer: bool) -> None:
        """Reads a checkpoint into the model.

        Args:
            epoch: Number of epochs trained at the checkpoint: `last_epoch()`.
            with_optimizer: Whether to read the state of the optimizers too. A
                checkpoint that a rung of a search begins with has none.

        Raises:
            UserError: If the checkpoint is of another network.
        """
        path = self.folder / f"epoch-{epoch}"
        try:
            if with_optimizer:
                names = tf.train.load_checkpoint(str(path)).get_variable_to_shape_map()
                with_optimizer = any(name.startswith("optimizer/") for name in names)
            status = self._contents(with_optimizer).read(str(path))
            status.assert_existing_objects_matched().expect_partial()
        except Exception as error:
            # TensorFlow raises errors of several types.
            raise UserError(
                f"The checkpoint {path} is of another network. Choose another "
                f"--run_dir, or put the right files {path}.* back."
            ) from error

    def _files(self):
        """Returns the paths of the files of each checkpoint, by epoch."""
        files = {}
        for path in sorted(self.folder.glob("epoch-*")):
            match = FILE.fullmatch(path.name)
            if match and path.is_file():
                files.setdefault(int(match[1]), []).append(path)
        return files

    def _is_whole(self, epoch, paths):
        """Returns whether all of a checkpoint can be read."""
        parts = [path for path in paths if path.suffix != ".index"]
        numbers = [FILE.fullmatch(path.name).group(2, 3) for path in parts]
        counts = {int(count) for _, count in numbers}
        if counts != {len(parts)}:
            return False
        try:
            path = str(self.folder / f"epoch-{epoch}")
            reader = tf.compat.v1.train.NewCheckpointReader(path)
            dtypes = reader.get_variable_to_dtype_map()
            sizes = {
                name: math.prod(shape) * dtypes[name].size
                for name, shape in reader.get_variable_to_shape_map().items()
            }
            # Before memory is taken for what is not there.
            if sum(sizes.values()) > sum(path.stat().st_size for path in parts):
                return False
            for name in sizes:
                reader.get_tensor(name)
        except Exception:
            # TensorFlow raises errors of several types for a broken file.
            return False
        return True

    def _contents(self, with_optimizer):
        # Plain lists of variables leave out the other objects that Keras tracks.
        contents = {"weights": _variables(self.model.weights)}
        if with_optimizer:
            optimizers = self.optimizers or [self.model.optimizer]
            variables = [v for optimizer in optimizers for v in optimizer.variables]
            contents["optimizer"] = _variables(variables)
        return tf.train.Checkpoint(**contents)


def _variables(variables):
    return [variable.value for variable in variables]

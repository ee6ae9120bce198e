"""Checkpoints: the weights of a model and its optimizer after each epoch."""

import pathlib

import keras
import tensorflow as tf

from tfdyn.errors import UserError


class Checkpoints:
    """Writes and reads checkpoints, and keeps the newest two.

    A checkpoint is written whole or not at all.

    Args:
        folder: Path of the folder that holds the checkpoints.
        model: Keras model. It must be compiled if its optimizer is saved or restored.

    Attributes:
        optimizers: List of the Keras optimizers to save and restore. `None`: the
            optimizer that the model is compiled with.
    """

    def __init__(self, folder, model: keras.Model):
        self.folder, self.model = pathlib.Path(folder), model
        self.optimizers = None

    def last_epoch(self) -> int:
        """Returns the number of epochs trained at the newest checkpoint, or 0."""
        path = self._newest()
        return int(path.rsplit("-", 1)[1]) if path else 0

    def save(self, epochs: int) -> None:
        """Writes a checkpoint.

        Args:
            epochs: Number of epochs trained so far.
        """
        contents = self._contents(with_optimizer=True)
        self._manager(contents).save(checkpoint_number=epochs)

    def restore(self, with_optimizer: bool) -> None:
        """Reads the newest checkpoint into the model.

        Args:
            with_optimizer: Whether to read the state of the optimizers too.

        Raises:
            UserError: If the checkpoint cannot be read.
        """
        path = self._newest()
        try:
            status = self._contents(with_optimizer).restore(path)
            status.assert_existing_objects_matched().expect_partial()
        except Exception as error:
            # TensorFlow raises errors of several types for a broken file.
            raise UserError(
                f"The checkpoint {path} cannot be read: it is truncated, or of another "
                f"network. Delete the files {path}.* to resume from the checkpoint "
                f"before it, or the folder {self.folder} to start from the beginning."
            ) from error

    def _newest(self):
        paths = self._manager(tf.train.Checkpoint()).checkpoints
        existing = [p for p in paths if pathlib.Path(f"{p}.index").exists()]
        return existing[-1] if existing else None

    def _manager(self, contents):
        return tf.train.CheckpointManager(
            contents, str(self.folder), max_to_keep=2, checkpoint_name="epoch"
        )

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

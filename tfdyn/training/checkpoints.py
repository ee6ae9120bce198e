"""Checkpoints: a model and its optimizer after each epoch, written whole or not."""

import pathlib

import tensorflow as tf

from tfdyn.errors import UserError


class Checkpoints:
    """The last two epochs of a training.

    Args:
        folder: Where they are kept.
        model: Keras model, compiled where its optimizer is to be kept too.

    Attributes:
        optimizers: Optimizers to keep; `None`: the one that the model has.
    """

    def __init__(self, folder, model):
        self.folder, self.model = pathlib.Path(folder), model
        self.optimizers = None

    def last_epoch(self):
        """Returns how many epochs the newest checkpoint has behind it, or 0."""
        path = self._newest()
        return int(path.rsplit("-", 1)[1]) if path else 0

    def save(self, epochs):
        """Writes a checkpoint with `epochs` behind it; it appears whole or not."""
        contents = self._contents(with_optimizer=True)
        self._manager(contents).save(checkpoint_number=epochs)

    def restore(self, with_optimizer):
        """Reads the newest checkpoint into the model, and into its optimizer.

        Raises:
            ValueError: If it cannot be read.
        """
        path = self._newest()
        try:
            status = self._contents(with_optimizer).restore(path)
            status.assert_existing_objects_matched().expect_partial()
        except Exception as error:
            # TensorFlow raises errors of several kinds for a broken file.
            raise UserError(
                f"The checkpoint {path} cannot be read: it is truncated, or of another "
                f"network. Delete the files {path}.* to go on from the one before, or "
                f"the folder {self.folder} to start anew."
            ) from error

    def _newest(self):
        paths = self._manager(tf.train.Checkpoint()).checkpoints
        return next((p for p in reversed(paths) if _exists(p)), None)

    def _manager(self, contents):
        return tf.train.CheckpointManager(
            contents, str(self.folder), max_to_keep=2, checkpoint_name="epoch"
        )

    def _contents(self, with_optimizer):
        # Plain lists of variables: what else a Keras model tracks stays out.
        contents = {"weights": _variables(self.model.weights)}
        if with_optimizer:
            optimizers = self.optimizers or [self.model.optimizer]
            variables = [v for optimizer in optimizers for v in optimizer.variables]
            contents["optimizer"] = _variables(variables)
        return tf.train.Checkpoint(**contents)


def _variables(variables):
    return [variable.value for variable in variables]


def _exists(path):
    return pathlib.Path(f"{path}.index").exists()

"""ImageModel: a Keras model that knows the shape of its images from the beginning."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.losses.labels import check_labels


class _WithFlatRoute(keras.Model):
    """A model whose outputs are `logits` and the flat `route`."""

    def __init__(self, model):
        super().__init__(name=model.name, autocast=False)
        self.model = model
        self.built = True

    def call(self, images):
        outputs = self.model(images)
        route = self.model.route_spec.flatten(outputs["route"])
        return {"logits": outputs["logits"], "route": route}


class ImageModel(keras.Model):
    """Does what Keras's own models do and its subclasses do not.

    The constructor of a subclass sets `arguments`, a dict with at least `input_shape`
    (height, width, channels) and `num_classes`, and builds all layers. So nothing needs
    to wait for a first call, from which Keras learns the shape of other subclasses. The
    outputs are those of a `RoutedModel`.
    """

    @property
    def input_shape(self) -> tuple:
        """Shape of the images, `(None, height, width, channels)`."""
        return (None, *self.arguments["input_shape"])

    @property
    def output_shape(self):
        """Shapes of all outputs, by their names, as of `compute_output_shape`."""
        return self.compute_output_shape(self.input_shape)

    def compute_output_spec(self, *args, **kwargs):
        # Keras would ask compute_output_shape, which knows no outputs of training.
        return keras.Operation.compute_output_spec(self, *args, **kwargs)

    def __call__(self, images, *args, **kwargs):
        """Calls the model. Integer images become float32, their pixels not scaled."""
        dtype = getattr(images, "dtype", "float32")
        if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(dtype)):
            images = ops.cast(images, "float32")
        return super().__call__(images, *args, **kwargs)

    def stateless_call(
        self,
        trainable_variables,
        non_trainable_variables,
        *args,
        return_losses=False,
        **kwargs,
    ):
        """Does what Keras's method does, which JAX trains with, through `__call__`.

        Keras's own goes to `call` at once. The layers below would then not know
        `training`, and batch norm would use its moving averages in training.
        """
        variables = [*self.trainable_variables, *self.non_trainable_variables]
        values = [*trainable_variables, *non_trainable_variables]
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(mapping, collect_losses=return_losses) as scope:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else []
        changed = [scope.get_current_value(v) for v in self.non_trainable_variables]
        return (outputs, changed, losses) if return_losses else (outputs, changed)

    def fit(self, x=None, y=None, *args, **kwargs):
        """Trains the model, as `keras.Model.fit` does.

        Raises:
            UserError: If `y` is an array with a label that is no class.
        """
        check_labels(y, self.arguments["num_classes"])
        return super().fit(x, y, *args, **kwargs)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """Returns the loss and the metrics, as `keras.Model.evaluate` does.

        Raises:
            UserError: If `y` is an array with a label that is no class.
        """
        check_labels(y, self.arguments["num_classes"])
        return super().evaluate(x, y, *args, **kwargs)

    def export(
        self,
        filepath,
        format="tf_saved_model",
        verbose=None,
        input_signature=None,
        **kwargs,
    ):
        """Exports the model, as `keras.Model.export` does, also before a first call.

        Its outputs are `logits` and the flat `route`. The file computes all branches,
        whatever the route. Files that skip branches are made by
        `python -m export.tflite` and `python -m export.saved_model`.
        """
        if input_signature is None:
            input_signature = [keras.InputSpec("float32", self.input_shape)]
        # Keras's method, of a model whose outputs are not nested, as a file needs it.
        model = _WithFlatRoute(self)
        model.export(filepath, format, verbose, input_signature, **kwargs)

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves the model, as `keras.Model.save` does, in Keras's own format.

        Raises:
            UserError: If the name is one of an HDF5 file.
        """
        if str(filepath).endswith((".h5", ".hdf5")):
            raise UserError(
                f"{filepath}: Keras cannot load a model of tfdyn from an HDF5 file. "
                f"Choose a name that ends in .keras; save_weights takes "
                f".weights.h5."
            )
        return super().save(filepath, overwrite, zipped, **kwargs)

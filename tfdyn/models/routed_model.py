"""RoutedModel: what the networks of all families share."""

import functools

import keras
from keras import ops

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.layers.modules import find_modules
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.routing.route import RouteSpec
from tfdyn.routing.threshold import check_threshold


class RoutedModel(keras.Model):
    """A network whose route is an output, and can be an input.

    A subclass gives its constructor's arguments to `super().__init__`, builds all its
    layers, sets `mixed_ops` (the list of its MixedOps) and ends its `__init__` with
    `self.finish()`. It defines `call(images, route=None, threshold=None,
    training=False)`, which returns a mapping with

     - `logits`: `(batch, num_classes)`, float32;
     - `route`: the route that was run (`tfdyn.routing.route`);
     - in training, also what its loss needs.

    With a `route`, the routers are bypassed and exactly this route runs.

    Class attributes of a subclass:

     - `training_heads`: names of heads that exist in training only. A name is that of
       the constructor's argument that switches the head on, and that of the attribute
       that holds it;
     - `binary`: whether the weights of all its routes are 0 or 1, so that a device
       need not multiply by them;
     - `at_least_1`: names of constructor arguments that are numbers of at least 1.

    Args:
        arguments: The other arguments of the subclass's constructor, a mapping that is
            ready for JSON. `get_config` returns them.
        threshold: T in (0, 1], a number or a list with one for each MixedOp.

    Raises:
        UserError: If an argument is out of its range.
    """

    training_heads = ()
    binary = False
    at_least_1 = ("num_classes",)

    def __init__(self, arguments: dict, threshold=1.0, **kwargs):
        # Layers cast their inputs themselves: T and routes stay in float32.
        super().__init__(**{"autocast": False, **kwargs})
        for name in self.at_least_1:
            if arguments[name] < 1:
                raise UserError(f"{name} must be at least 1; got {arguments[name]}.")
        self.arguments = arguments
        self.threshold = threshold
        self._expected_cost = keras.metrics.Mean(name="expected_macs")
        self._branch_use = {}

    def finish(self) -> None:
        """Ends the construction: checks T, and marks the model as built.

        Raises:
            UserError: If the list of T has a wrong length.
        """
        self.thresholds()
        self.built = True

    def get_config(self):
        return {"name": self.name, "threshold": self.threshold, **self.arguments}

    @property
    def threshold(self) -> float | list[float]:
        """T in (0, 1], a number or a list with one for each MixedOp."""
        return self._threshold

    @threshold.setter
    def threshold(self, value):
        self._threshold = check_threshold(value)
        # What Keras has traced has the old T in it.
        self.test_function = self.predict_function = None

    def thresholds(self, threshold=None):
        """Returns T for each MixedOp, a float32 tensor.

        Args:
            threshold: T, a number or one a MixedOp; default: the model's own.

        Raises:
            ValueError: If one is not in (0, 1], or there is a wrong number of them.
        """
        threshold = self.threshold if threshold is None else threshold
        if isinstance(threshold, (int, float, list, tuple)):
            check_threshold(threshold)
        threshold, number = ops.cast(threshold, "float32"), len(self.mixed_ops)
        if len(threshold.shape) and threshold.shape[0] != number:
            raise UserError(
                f"A threshold is one number or one for each of the {number} "
                f"connections; got {threshold.shape[0]}."
            )
        return ops.broadcast_to(threshold, (number,))

    @property
    def least_branches(self):
        """How many branches of each MixedOp run at least, a list."""
        return [1] * len(self.mixed_ops)

    @property
    def inference_weights(self):
        """The weights without those of heads that exist in training only."""
        heads = [getattr(self, name) for name in self.training_heads]
        dropped = {id(weight) for head in heads if head for weight in head.weights}
        return [weight for weight in self.weights if id(weight) not in dropped]

    def for_inference(self):
        """Returns a copy without heads that exist in training only."""
        heads = dict.fromkeys(self.training_heads, False)
        copy = self.from_config({**self.get_config(), **heads})
        for new, old in zip(copy.weights, self.inference_weights, strict=True):
            new.assign(old)
        return copy

    @functools.cached_property
    def route_spec(self) -> RouteSpec:
        """`RouteSpec`: what this network's routes look like."""
        branches = {
            op.name: tuple(branch.name for branch in op.branches)
            for op in self.mixed_ops
        }
        return RouteSpec(branches, tuple(self.least_branches), self.binary)

    @functools.cached_property
    def modules(self):
        """The parts of the network that cost something."""
        return find_modules(self)

    @functools.cached_property
    def route_cost(self):
        """`RouteCost` in MACs."""
        return RouteCost(self.modules, CostTable.count(self.modules))

    def compile(self, optimizer="sgd", loss=None, metrics=None, **kwargs):
        """As `keras.Model.compile`; the loss sees labels and all outputs.

        Args:
            optimizer: Keras optimizer.
            loss: `keras.losses.Loss` called with labels and this model's outputs;
                by default cross-entropy without a price on cost.
            metrics: Keras metrics, which see labels and logits; default: accuracy.
            **kwargs: As for `keras.Model.compile`; `jit_compile` is off on
                TensorFlow, where it makes a step on a CPU ten times slower.
        """
        if keras.backend.backend() == "tensorflow":
            kwargs.setdefault("jit_compile", False)
        if metrics is None:
            # Named "accuracy" as a string, it would be made in the first step only.
            metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        super().compile(optimizer, metrics=list(metrics), **kwargs)
        self.routing_loss = RoutingLoss() if loss is None else loss
        if not isinstance(self.routing_loss, keras.losses.Loss):
            raise UserError(
                f"The loss is called with labels and all outputs of the model; got "
                f"{loss!r}. Pass a keras.losses.Loss made for that, as RoutingLoss()."
            )
        names = dict.fromkeys(name for names in self._branch_names for name in names)
        self._branch_use = self._branch_use or {
            name: keras.metrics.Mean(name=f"use_{name}") for name in names
        }

    def get_compile_config(self):
        """Returns `None`: a loaded model is compiled anew, for its loss has a cost."""

    @functools.cached_property
    def _branch_names(self):
        """MixedOp names by the names of their branches."""
        groups = {}
        for op in self.mixed_ops:
            groups.setdefault(tuple(b.name for b in op.branches), []).append(op.name)
        return groups

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the loss and the layers' regularisation losses, summed."""
        loss = self.routing_loss(y, y_pred, sample_weight)
        if self.losses:
            # Keras's own sum of them, scaled for the number of replicas.
            loss += super().compute_loss(training=training)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the metrics: of the logits, expected MACs, and use of branches."""
        route = y_pred["route"]
        cost = self.route_cost
        self._expected_cost.update_state(cost.fixed + cost.expected(route))
        for branches, mixed_ops in self._branch_names.items():
            weights = ops.concatenate([route[name] for name in mixed_ops])
            uses = ops.unstack(weights, axis=-1)
            for branch, use in zip(branches, uses, strict=True):
                self._branch_use[branch].update_state(use)
        return super().compute_metrics(x, y, y_pred["logits"], sample_weight)

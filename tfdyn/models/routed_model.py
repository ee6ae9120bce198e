"""RoutedModel: the base class of the networks of all families."""

import functools
import numbers
from typing import Self

import keras
import numpy as np
from keras import ops

from tfdyn.costs.cost_table import CostTable
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.layers.modules import Module, find_modules
from tfdyn.losses.routers import dependence
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.models.image_model import ImageModel
from tfdyn.models.sizes import check_sizes
from tfdyn.routing.route import RouteSpec
from tfdyn.routing.threshold import check_threshold


class RoutedModel(ImageModel):
    """Returns its route as an output, and can take a route as an input.

    The constructor of a subclass passes its arguments to `super().__init__`, builds all
    layers, sets `mixed_ops` (the list of the network's MixedOps) and ends with
    `self.finish()`. The subclass defines `call(images, route=None, threshold=None,
    training=False)`, which returns a mapping with

     - `logits`: float32 tensor `(batch, num_classes)`;
     - `route`: the route that was run (`tfdyn.routing.route`);
     - in training, also the tensors that only its loss needs. What routers chose
       without noise is `choice_probabilities` (`tfdyn.losses.routers`).

    If `call` gets a `route`, it bypasses the routers and runs exactly this route.

    Class attributes of a subclass:

     - `training_heads`: names of heads that exist in training only. Each is the name of
       a constructor argument that adds the head, and of the attribute that holds it;
     - `binary`: whether all weights of its routes are 0 or 1. An exported file then
       does not multiply by them;
     - `at_least_1`: names of the constructor arguments that must be at least 1;
     - `call_options`: names of additional arguments of `call` that change how branches
       are selected in inference;
     - `at_most`: the largest values of constructor arguments, by name. For `stages`,
       the largest of the numbers that describe a stage.

    Args:
        arguments: Dict of the constructor arguments of the subclass except `threshold`,
            ready for JSON. `get_config` returns them.
        threshold: T in (0, 1]: one number, or a list with one number for each MixedOp.

    Raises:
        UserError: If an argument is out of its range.
    """

    training_heads = ()
    binary = False
    at_least_1 = ("num_classes",)
    call_options = ()
    at_most = {}

    def __init__(self, arguments: dict, threshold=1.0, **kwargs):
        # Without autocast, T and routes stay in float32. Layers cast their inputs.
        super().__init__(**{"autocast": False, **kwargs})
        for name in self.at_least_1:
            value = arguments[name]
            if not isinstance(value, numbers.Integral) or value < 1:
                raise UserError(
                    f"{name} must be a whole number of at least 1; got {value!r}. Pass "
                    f"another number."
                )
        check_sizes(arguments, self.at_most)
        self.arguments = arguments
        self.threshold = threshold
        self._expected_cost = keras.metrics.Mean(name="expected_macs")
        self._branch_use, self._dependence = {}, None

    def finish(self) -> None:
        """Checks the number of thresholds T and marks the model as built.

        Raises:
            UserError: If T is a list with more or fewer numbers than there are
                MixedOps.
        """
        self.thresholds()
        self.built = True

    def compute_output_shape(self, input_shape):
        """Returns the shapes of the outputs of inference, by their names."""
        batch = input_shape[0]
        route = {op.name: (batch, len(op.branches)) for op in self.mixed_ops}
        return {"logits": (batch, self.arguments["num_classes"]), "route": route}

    def get_config(self):
        return {"name": self.name, "threshold": self.threshold, **self.arguments}

    @property
    def threshold(self) -> float | list[float]:
        """T in (0, 1]: one number, or a list with one number for each MixedOp."""
        return self._threshold

    @threshold.setter
    def threshold(self, value):
        self._threshold = check_threshold(value)
        # The functions that Keras has traced so far contain the previous T.
        self.test_function = self.predict_function = None

    def thresholds(self, threshold=None):
        """Returns T for each MixedOp as a float32 tensor `(MixedOps,)`.

        Args:
            threshold: T in (0, 1]: a number, or a list, tuple, array or tensor with one
                number for each MixedOp. By default the `threshold` of the model.

        Raises:
            UserError: If a number is not in (0, 1], or there are more or fewer numbers
                than MixedOps. The numbers of tensors are not checked.
        """
        threshold = self.threshold if threshold is None else threshold
        if not ops.is_tensor(threshold) and not isinstance(
            threshold, (keras.Variable, keras.KerasTensor)
        ):
            threshold = check_threshold(threshold)
        threshold, number = ops.cast(threshold, "float32"), len(self.mixed_ops)
        if len(threshold.shape) and threshold.shape[0] != number:
            raise UserError(
                f"A threshold is one number or one for each of the {number} "
                f"connections; got {threshold.shape[0]}. Pass one number, or {number}."
            )
        return ops.broadcast_to(threshold, (number,))

    @property
    def has_choices(self) -> bool:
        """Whether the outputs have `choice_probabilities` in training."""
        return self.arguments.get("selection", "none") != "none"

    @property
    def least_branches(self) -> list[int]:
        """For each MixedOp, the smallest number of branches that may run."""
        return [1] * len(self.mixed_ops)

    # A network as a chain of parts, for those who run one part at a time. `state` is
    # what a part passes on; only the network itself looks into it.

    @property
    def parts(self) -> list:
        """List of lists: the MixedOps of each part of the network, in order."""
        return [[mixed_op] for mixed_op in self.mixed_ops]

    def begin(self, images):
        """Returns the state before the first part, computed from the images."""
        raise NotImplementedError

    def look(self, state):
        """Returns the feature map `(batch, height, width, channels)` of a state."""
        return state

    def advance(self, state, index: int, weights: dict):
        """Runs a part.

        Args:
            state: The state before the part.
            index: Index of the part.
            weights: Mapping from the names of its MixedOps to weights
                `(batch, branches)`.

        Returns:
            The state after the part.
        """
        raise NotImplementedError

    def end(self, state):
        """Returns the logits `(batch, num_classes)` from the state after all parts."""
        return self.head(state)

    def look_shapes(self) -> list[tuple]:
        """Returns the shapes of what `look` sees before each part and at the end."""
        route = self.route_spec.split(self.route_spec.all_branches())
        state = self.begin(ops.zeros((1, *self.input_shape[1:])))
        shapes = [self.look(state).shape]
        for index, part in enumerate(self.parts):
            weights = {op.name: ops.convert_to_tensor(route[op.name]) for op in part}
            state = self.advance(state, index, weights)
            shapes.append(self.look(state).shape)
        return [(None, *shape[1:]) for shape in shapes]

    @property
    def inference_weights(self) -> list[keras.Variable]:
        """The model's weights except those of heads that exist in training only."""
        heads = [getattr(self, name) for name in self.training_heads]
        head_weights = {id(weight) for head in heads if head for weight in head.weights}
        return [weight for weight in self.weights if id(weight) not in head_weights]

    def for_inference(self) -> Self:
        """Returns a copy of the model without heads that exist in training only."""
        heads = dict.fromkeys(self.training_heads, False)
        copy = self.from_config({**self.get_config(), **heads})
        pairs = zip(copy.weights, self.inference_weights, strict=True)
        for target, source in pairs:
            # On JAX the two would share an array, which a step of either deletes.
            target.assign(ops.convert_to_numpy(source))
        return copy

    def forget_structure(self) -> None:
        """Makes the properties that describe the branches be computed anew."""
        for name in ("route_spec", "modules", "route_cost", "_branch_names"):
            vars(self).pop(name, None)

    @functools.cached_property
    def route_spec(self) -> RouteSpec:
        """`RouteSpec` that describes the routes of this network."""
        branches = {
            op.name: tuple(branch.name for branch in op.branches)
            for op in self.mixed_ops
        }
        return RouteSpec(branches, tuple(self.least_branches), self.binary)

    def unpruned(self, routes: np.ndarray) -> tuple[np.ndarray, RouteSpec]:
        """Returns flat routes `(n, branches)` as routes of the network before pruning.

        Args:
            routes: Flat routes of this network.

        Returns:
            The flat routes of the network as it was, and its `RouteSpec`.
        """
        return routes, self.route_spec

    @functools.cached_property
    def modules(self) -> list[Module]:
        """The modules of the network (`tfdyn.layers.modules.find_modules`)."""
        return find_modules(self)

    @property
    def has_routers(self) -> bool:
        """Whether a router decides. Without one, T changes nothing."""
        return any(module.kind == "router" for module in self.modules)

    @functools.cached_property
    def route_cost(self) -> RouteCost:
        """`RouteCost` that computes the cost of this network's routes in MACs."""
        return RouteCost(self.modules, CostTable.count(self.modules))

    def compile(self, optimizer="sgd", loss=None, metrics=None, **kwargs):
        """Sets the optimizer, the loss and the metrics of the training.

        It differs from `keras.Model.compile` in the loss, which gets all outputs of
        the model and not only the logits.

        Args:
            optimizer: Keras optimizer, or the name of one.
            loss: `keras.losses.Loss` that is called with the labels and the mapping
                that `call` returns. By default cross-entropy without a cost term.
            metrics: List of Keras metrics, which get the labels and the logits. By
                default the accuracy.
            **kwargs: Other arguments of `keras.Model.compile`. On TensorFlow
                `jit_compile` is off by default, because it makes a training step on a
                CPU ten times slower.

        Raises:
            UserError: If `loss` is not a `keras.losses.Loss`, or is one of Keras's
                own, which see logits only.
        """
        if keras.backend.backend() == "tensorflow":
            kwargs.setdefault("jit_compile", False)
        if metrics is None:
            # Keras would create a metric "accuracy" in the first training step only.
            metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
        super().compile(optimizer, metrics=list(metrics), **kwargs)
        self.routing_loss = RoutingLoss() if loss is None else loss
        loss_type = type(self.routing_loss)
        # The losses of Keras itself are called with the logits alone.
        if not issubclass(loss_type, keras.losses.Loss) or (
            loss_type.call.__module__.startswith("keras.")
        ):
            raise UserError(
                f"The loss must be a keras.losses.Loss of the labels and all outputs "
                f"of the model, which Keras's own losses are not; got {loss!r}. Pass, "
                f"for instance, tfdyn.RoutingLoss()."
            )
        names = dict.fromkeys(name for names in self._branch_names for name in names)
        self._branch_use = self._branch_use or {
            name: keras.metrics.Mean(name=f"use_{name}") for name in names
        }
        if self.has_choices and self._dependence is None:
            self._dependence = keras.metrics.Mean(name="dependence")

    def get_compile_config(self):
        """Returns `None`, so that Keras does not save the arguments of `compile`.

        The loss holds a cost table, which has no configuration. A loaded model must
        be compiled before it is trained.
        """

    @functools.cached_property
    def _branch_names(self):
        """Mapping from tuples of branch names to the MixedOps with these branches."""
        groups = {}
        for op in self.mixed_ops:
            names = tuple(branch.name for branch in op.branches)
            groups.setdefault(names, []).append(op.name)
        return groups

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the sum of the loss and the layers' regularisation losses.

        Arguments are those of `keras.Model.compute_loss`; `y_pred` is the mapping that
        `call` returned.
        """
        loss = self.routing_loss(y, y_pred, sample_weight)
        if self.losses:
            # Keras sums them and divides by the number of replicas.
            loss += super().compute_loss(training=training)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates all metrics and returns their values.

        Besides the metrics of `compile`, which get the logits, there are
        `expected_macs`, the mean expected MACs of an image, and `use_BRANCH`, the mean
        weight of the branch of this name. In training there is `dependence`, the mean
        of how much choices depend on the image (`tfdyn.losses.routers.dependence`).
        Arguments are those of `keras.Model.compute_metrics`; `y_pred` is the mapping
        that `call` returned.
        """
        route = y_pred["route"]
        cost = self.route_cost
        self._expected_cost.update_state(cost.fixed + cost.expected(route))
        for branches, mixed_ops in self._branch_names.items():
            weights = ops.concatenate([route[name] for name in mixed_ops])
            uses = ops.unstack(weights, axis=-1)
            for branch, use in zip(branches, uses, strict=True):
                self._branch_use[branch].update_state(use)
        has_choices = "choice_probabilities" in y_pred
        if has_choices:
            self._dependence.update_state(dependence(y_pred["choice_probabilities"]))
        results = super().compute_metrics(x, y, y_pred["logits"], sample_weight)
        if not has_choices:
            results.pop("dependence", None)
        return results

"""Wrapped: a user's Keras model that skips blocks and ends early, image by image."""

import keras
from keras import ops

from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError
from tfdyn.families.dmnn.selection import GateSelection
from tfdyn.families.wrapped.chain import build, mixed_ops_of, run
from tfdyn.families.wrapped.exits import Exit, goes_on
from tfdyn.families.wrapped.gates import Gates
from tfdyn.families.wrapped.loss import WrappedLoss
from tfdyn.families.wrapped.residual import Residual
from tfdyn.families.wrapped.sub_network import SubNetwork
from tfdyn.families.wrapped.training_pass import training_pass
from tfdyn.layers.keras_internals import all_layers
from tfdyn.models.routed_model import RoutedModel
from tfdyn.models.sizes import image_shape
from tfdyn.routing.route import select_mixed_ops

ROUTERS = ("blocks", "image")


@keras.saving.register_keras_serializable("tfdyn")
class Wrapped(RoutedModel):
    """Runs a Keras model without the blocks that an image does not need.

    `tfdyn.wrap` makes it of a model. The branches of residual blocks are branches of
    MixedOps, and a router decides for each image whether they run (the gates of DMNN,
    section 3.2, with one sub-block). At an exit an image stops if the network is sure
    enough: what follows is skipped, and the logits are those of the exit's head.

    ```python
    model = tfdyn.wrap(keras.applications.ResNet50(), exits=["conv4_block6_add"])
    outputs = model(images)                 # logits, and the route of each image
    outputs = model(images, threshold=1.0)  # the logits of the original
    ```

    Args:
        input_shape: Three integers: height, width (in pixels) and channels of the
            images.
        num_classes: Integer, number of classes.
        nodes: The nodes of the original's graph (`tfdyn.families.wrapped.graph`), whose
            output is logits.
        pieces: The chain that it is divided into, a list of dicts. A residual block has
            `name`, `shortcut`, `branches` and `after`; an exit has `name` and `exit`,
            the number of filters of its head; other links have `name` and `nodes`.
            Nodes are named, not repeated.
        routers: String. "blocks": a router in front of each residual block. "image":
            one router, in front of the first block, decides for all.
        units: Integer d, size of each router's state.
        previous_state: Boolean, whether each router reads the state of the router
            before it.
        normalized_routers: Boolean, whether the routers have batch normalisation.
        selection: String, "gumbel_softmax": routers decide with Gumbel noise in
            training; "softmax": without; "none": no routers, so that all blocks run, up
            to the exit.
        teacher: Boolean, whether there is a copy of the original that teaches, in
            training only.
        threshold: T in (0, 1], a float or a list with one float for each MixedOp. A
            branch does not run if the probability that it is not needed is T or more;
            an image stops at an exit if the largest probability of its classes is T or
            more. With T=1 the whole network runs.
        seed: Integer, seed of the Gumbel noise; `None` for a random seed.

    The call is that of `RoutedModel`. In training, all images go through the whole
    network, and the result also has `exit_logits`, a tensor `(batch, exits + 1,
    classes)`, the original's output last; with routers, `gates`, a mapping from the
    names of MixedOps to the weights that ran, and `choice_probabilities` `(batch,
    branches, 2)`; with a teacher, `teacher_logits` `(batch, classes)`.

    Raises:
        UserError: If an argument has a wrong value.
    """

    training_heads = ("teacher",)
    at_least_1 = ("num_classes", "units")
    at_most = {"units": 4096}
    binary = True

    def __init__(
        self,
        input_shape,
        num_classes,
        nodes,
        pieces,
        routers="blocks",
        units=16,
        previous_state=True,
        normalized_routers=False,
        selection="gumbel_softmax",
        teacher=False,
        threshold=0.9,
        seed=None,
        name="wrapped",
        **kwargs,
    ):
        arguments = {
            "input_shape": image_shape(input_shape),
            "num_classes": num_classes,
            "nodes": nodes,
            "pieces": pieces,
            "routers": routers,
            "units": units,
            "previous_state": previous_state,
            "normalized_routers": normalized_routers,
            "selection": selection,
            "teacher": bool(teacher),
            "seed": seed,
        }
        super().__init__(arguments, threshold=threshold, name=name, **kwargs)
        if routers not in ROUTERS:
            raise UserError(
                f"routers must be one of {', '.join(ROUTERS)}; got {routers!r}."
            )
        self.chain, self.routers = build(arguments)
        self.selection = GateSelection(selection != "softmax", seed, name="selection")
        self.selection.build()
        self.teacher = None
        if teacher:
            self.teacher = SubNetwork(nodes, name="teacher")
            self.teacher.build((None, *input_shape))
            self.teacher.trainable = False  # Of all its weights, which exist now.
        self.finish()

    @property
    def mixed_ops(self):
        """List of the MixedOps, in the order of a list of thresholds."""
        return [op for part in self.parts for op in part]

    @property
    def parts(self):
        """List of lists: the MixedOps of each link of the chain that has any."""
        return [mixed_ops_of(link) for link in self.chain if mixed_ops_of(link)]

    @property
    def least_branches(self):
        """List of 0 for each MixedOp: nothing runs after an exit."""
        return [0] * len(self.mixed_ops)

    @property
    def has_choices(self):
        return bool(self.routers)

    @property
    def has_routers(self):
        return bool(self.mixed_ops)  # Exits decide, too.

    @property
    def residual_blocks(self) -> list[Residual]:
        """List of the residual blocks that may be skipped."""
        return [link for link in self.chain if isinstance(link, Residual)]

    def costs_of_blocks(self, cost: RouteCost) -> dict | None:
        """Returns the costs of the branches that have routers.

        Args:
            cost: `RouteCost` of the model.

        Returns:
            Dict from the names of MixedOps to arrays `(branches,)`; `None` if there are
            no routers.
        """
        names = [link.mixed_op.name for link in self.residual_blocks]
        return {name: cost.branches[name] for name in names} if self.routers else None

    def compile(self, optimizer="sgd", loss=None, metrics=None, **kwargs):
        """Sets optimizer, loss and metrics, as `RoutedModel.compile` does.

        The default loss is `tfdyn.WrappedLoss`, with the costs of the blocks in MACs.
        """
        loss = loss or WrappedLoss(costs=self.costs_of_blocks(self.route_cost))
        super().compile(optimizer, loss, metrics, **kwargs)

    @property
    def original_layers(self) -> list:
        """List of the layers that hold the original's weights."""
        links = [link for link in self.chain if not isinstance(link, Exit)]
        return [*links, self.chain[-1].head]

    def train_original(self, trainable: bool) -> None:
        """Decides whether a training changes the original's weights.

        Args:
            trainable: If false, its batch norms run as in inference, too.
        """
        for layer in self.original_layers:
            layer.trainable = trainable

    @property
    def sub_networks(self) -> list[SubNetwork]:
        """List of all parts of the original, those of its copy that teaches too."""
        layers = [each for link in self.original_layers for each in all_layers(link)]
        layers += [self.teacher] if self.teacher else []
        return [layer for layer in layers if isinstance(layer, SubNetwork)]

    def begin(self, images):
        return self._run_from(0, (images,), None)

    def look(self, state):
        return state[0]

    def advance(self, state, index, weights):
        places = [i for i, link in enumerate(self.chain) if mixed_ops_of(link)]
        return self._run_from(places[index], state, weights)

    def end(self, state):
        return state[1]

    def _run_from(self, index, state, weights):
        """Runs a link, and all behind it up to the next one that needs weights."""
        while index < len(self.chain):
            link = self.chain[index]
            if mixed_ops_of(link) and weights is None:
                break
            state, weights, index = run(link, state, weights), None, index + 1
        return state

    def call(self, images, route=None, threshold=None, training=False):
        thresholds = self.thresholds(threshold)
        if route is not None:
            route = select_mixed_ops(route, self.mixed_ops)
        elif training:
            return training_pass(self, images, thresholds)
        state, routes, at_exit = (images,), {}, False
        gates, goes = Gates(self), ops.ones((ops.shape(images)[0], 1), "float32")
        for link in self.chain:
            weights = {}
            if route is not None:
                weights = {op.name: route[op.name] for op in mixed_ops_of(link)}
            elif mixed_ops_of(link):
                if at_exit:
                    goes = goes * goes_on(state[1], thresholds[len(routes)])
                here = thresholds[len(routes) :]
                weights = {
                    name: weight * goes
                    for name, weight in gates(link, state[0], here).items()
                }
                at_exit = False
            routes |= weights
            state = run(link, state, weights)
            at_exit = at_exit or isinstance(link, Exit)
        return {"logits": state[1], "route": routes}

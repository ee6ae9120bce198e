"""InstaNAS: a router selects an architecture for each image (Cheng et al., 2018).

The meta-graph, the network without its router, holds all architectures. The router is
what the paper calls the controller.
"""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.instanas.meta_cell import MetaCell
from tfdyn.families.instanas.phases import PHASES, PhasedModel
from tfdyn.families.instanas.router import ImageRouter
from tfdyn.families.instanas.search_space import FALLBACK, MODULES
from tfdyn.families.instanas.selection import PolicySelection
from tfdyn.layers.chain import build_layer
from tfdyn.layers.heads import ConvolutionHead
from tfdyn.layers.stem import ResidualStem
from tfdyn.models.sizes import check_total, image_shape
from tfdyn.routing import noise
from tfdyn.routing.route import select_mixed_ops


@keras.saving.register_keras_serializable("tfdyn")
class InstaNAS(PhasedModel):
    """Classifies images with cells of five modules (InstaNAS section 3).

    One router looks at the image and selects the modules of all cells.

    ```python
    model = InstaNAS((32, 32, 3), 10, [(16, 1, 1), (24, 2, 2)])
    outputs = model(images)                     # logits, and the route of each image
    outputs = model(images, threshold=1.0)      # all modules
    outputs = model(images, route=my_route)     # router bypassed
    model.phase = "pretrain"                    # before a training: what it trains
    ```

    Args:
        input_shape: Three integers: height, width (in pixels) and channels of the
            images.
        num_classes: Integer, number of classes.
        stages: List of stages, each `(filters, cells, strides)`, three integers: number
            of output channels of each cell, number of cells, stride of the first cell.
            If no module is selected, the first cell runs the module `FALLBACK`; the
            other cells return their input.
        stem_filters: Integer, number of channels of the 3x3 convolution before the
            cells.
        stem_strides: Integer, stride of this convolution.
        head_filters: Integer, number of channels of the 1x1 convolution before the
            classifier.
        router: String, form of the router: "large_kernels" (the paper) or "residual"
            (the authors' code).
        router_pool: Integer. The router sees the means of squares of this many pixels
            a side.
        normalized_routers: Boolean, whether the router has batch norm before its last
            layer. The paper's has none.
        alpha: Float from 0.5 to 1, encouragement parameter of the exploration in
            training.
        threshold: T in (0, 1], a float or a list with one float for each cell. A module
            runs if its probability of not running is below T.
        seed: Integer, seed of all that training draws at random; `None` for a random
            seed.

    The call is that of `RoutedModel`. Before a training, `phase` must be set.

    Raises:
        UserError: If an argument has a wrong value.
    """

    binary = True
    at_least_1 = (
        "num_classes",
        "stem_filters",
        "stem_strides",
        "head_filters",
        "router_pool",
    )
    at_most = {"stem_filters": 4096, "stem_strides": 64, "router_pool": 64}

    def __init__(
        self,
        input_shape,
        num_classes,
        stages,
        stem_filters=32,
        stem_strides=1,
        head_filters=1280,
        router="large_kernels",
        router_pool=1,
        normalized_routers=False,
        alpha=0.8,
        threshold=0.5,
        seed=None,
        name="instanas",
        **kwargs,
    ):
        arguments = {
            "input_shape": image_shape(input_shape),
            "num_classes": num_classes,
            "stages": [list(stage) for stage in stages],
            "stem_filters": stem_filters,
            "stem_strides": stem_strides,
            "head_filters": head_filters,
            "router": router,
            "router_pool": router_pool,
            "normalized_routers": normalized_routers,
            "alpha": alpha,
            "seed": seed,
        }
        super().__init__(arguments, threshold=threshold, name=name, **kwargs)
        _check(arguments)
        shape = images = (None, *input_shape)
        cells = sum(count for _, count, _ in stages)
        self.router = ImageRouter(
            cells, len(MODULES), router, router_pool, normalized_routers, name="router"
        )
        self.router.build(images)
        self.stem = ResidualStem(
            stem_filters, strides=stem_strides, max_value=6.0, name="stem"
        )
        shape = build_layer(self.stem, shape)
        self.cells, fallbacks = [], []
        for stage, (filters, count, strides) in enumerate(stages):
            for index in range(count):
                modules = [
                    make(shape[-1], filters, 1 if index else strides)
                    for make in MODULES.values()
                ]
                name = f"stage_{stage}_cell_{index}"
                cell = MetaCell(modules, passes_on=index > 0, name=name)
                shape = build_layer(cell, shape)
                self.cells.append(cell)
                fallbacks.append(None if index else list(MODULES).index(FALLBACK))
        self.selection = PolicySelection(fallbacks, alpha, seed, name="selection")
        self.selection.build((None, cells, len(MODULES)))
        self.head = ConvolutionHead(head_filters, num_classes, name="head")
        self.head.build(shape)
        self.finish()

    @property
    def mixed_ops(self):
        """List of the MixedOp of each cell, in the order of a list of thresholds."""
        return [cell.mixed_op for cell in self.cells]

    @property
    def least_branches(self):
        """List for each cell: 0 if it can pass its input on, else 1."""
        return [0 if cell.passes_on else 1 for cell in self.cells]

    @property
    def meta_graph(self):
        """List of the layers of the meta-graph: all but the router."""
        return [self.stem, *self.cells, self.head]

    def begin(self, images):
        return self.stem(images)

    def advance(self, state, index, weights):
        cell = self.cells[index]
        return cell(state, weights[cell.mixed_op.name])

    def call(self, images, route=None, threshold=None, training=False):
        if route is not None:
            return self._outputs(images, select_mixed_ops(route, self.mixed_ops))
        if training and self.phase != "finetune":
            return self._explore(images)
        policy = self.selection(self.router(images), self.thresholds(threshold))
        return self._outputs(images, self.route_of(policy))

    def _explore(self, images):
        """Returns the outputs of a training step in any phase but "finetune"."""
        if self.phase is None:
            raise UserError(
                f"An InstaNAS needs a phase to train: set its phase to one of "
                f"{', '.join(PHASES)}."
            )
        if self.phase == "pretrain":
            policy = self.selection.drop(ops.shape(images)[0])
            return self._outputs(images, self.route_of(policy))
        logits = self.router(images)
        policy, probabilities = self.selection.explore(logits)
        router = {
            "router_logits": logits,
            "choice_probabilities": self.selection.probabilities(logits),
        }
        if self.phase == "meta_graph":
            shuffled = noise.shuffled(policy, self.selection.seed_generator)
            route = self.route_of(self.selection.complete(shuffled))
            return {**self._outputs(images, route), **router}
        # The baseline is the policy of inference. One pass runs both policies.
        baseline, explored = self.selection(logits), self.selection.complete(policy)
        both = self.route_of(ops.concatenate([baseline, explored]))
        outputs = self._outputs(ops.concatenate([images, images]), both)
        baseline_logits, explored_logits = ops.split(outputs["logits"], 2)
        return {
            "logits": baseline_logits,
            "route": self.route_of(baseline),
            **router,
            "explored": {
                "logits": explored_logits,
                "route": self.route_of(explored),
                "policy": policy,
                "probabilities": probabilities,
            },
        }

    def route_of(self, policy):
        """Returns the route of a policy.

        Args:
            policy: Policy with fallbacks, tensor `(batch, cells, modules)`.

        Returns:
            Dict from MixedOp names to weights `(batch, modules)`.
        """
        names = [op.name for op in self.mixed_ops]
        return dict(zip(names, ops.unstack(policy, axis=1), strict=True))

    def _outputs(self, images, route):
        outputs = self.stem(images)
        for cell in self.cells:
            outputs = cell(outputs, route[cell.mixed_op.name])
        return {"logits": self.head(outputs), "route": route}


def _check(arguments):
    stages = arguments["stages"]
    if not stages or not all(len(s) == 3 and min(s) > 0 for s in stages):
        raise UserError(
            f"stages must be a list of (filters, cells, strides), all above 0, with at "
            f"least one; got {stages}."
        )
    modules = sum(len(MODULES) * cells for _, cells, _ in stages)
    weights = sum(len(MODULES) * cells * 6 * filters**2 for filters, cells, _ in stages)
    check_total(modules, weights)

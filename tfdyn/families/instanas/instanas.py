"""InstaNAS: a controller searches an architecture for every image (Cheng et al., 2018).

The meta-graph holds all architectures; the router is the paper's controller.
"""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.instanas import policies
from tfdyn.families.instanas.meta_cell import MetaCell
from tfdyn.families.instanas.router import ImageRouter
from tfdyn.families.instanas.search_space import FALLBACK, MODULES
from tfdyn.families.instanas.selection import PolicySelection
from tfdyn.layers.heads import ConvolutionHead
from tfdyn.layers.stem import ResidualStem
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing import noise
from tfdyn.routing.route import select_mixed_ops

# What a training step trains, and the metrics of the search that it has.
PHASES = {
    "pretrain": (),
    "router": ("reward", "entropy", "modules", "same_architecture"),
    "meta_graph": ("entropy", "modules", "same_architecture"),
    "finetune": ("modules", "same_architecture"),
}
SEARCH_METRICS = PHASES["router"]


@keras.saving.register_keras_serializable("tfdyn")
class InstaNAS(RoutedModel):
    """Cells of five modules, of which one router selects those of all (section 3).

    ```python
    model = InstaNAS((32, 32, 3), 10, [(16, 1, 1), (24, 2, 2)])
    outputs = model(images)                     # logits, and the route of each image
    outputs = model(images, threshold=1.0)      # all modules
    outputs = model(images, route=my_route)     # router bypassed
    model.phase = "pretrain"                    # what a training trains
    ```

    Args:
        input_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        stages: List of stages, each `(filters, cells, strides)`: channels of its cells,
            their number, stride of the first. The first falls back to the module
            `FALLBACK`; each other passes its input on where none is selected.
        stem_filters: Channels of the 3x3 convolution before the cells.
        stem_strides: Its stride.
        head_filters: Channels of the 1x1 convolution before the classifier.
        router: "large_kernels" (the paper's) or "residual" (the authors' code's).
        router_pool: Side of the squares of pixels that the router sees as one.
        alpha: Encouragement parameter of the exploration in training.
        threshold: T in (0, 1], a number or a list with one a cell: a module runs where
            its probability of not running is below T.
        seed: Seed of draws and drops.

    Call arguments and result are those of `RoutedModel`; a training has a `phase` too.
    """

    binary = True
    at_least_1 = (
        "num_classes",
        "stem_filters",
        "stem_strides",
        "head_filters",
        "router_pool",
    )

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
        alpha=0.8,
        threshold=0.5,
        seed=None,
        name="instanas",
        **kwargs,
    ):
        arguments = {
            "input_shape": list(input_shape),
            "num_classes": num_classes,
            "stages": [list(stage) for stage in stages],
            "stem_filters": stem_filters,
            "stem_strides": stem_strides,
            "head_filters": head_filters,
            "router": router,
            "router_pool": router_pool,
            "alpha": alpha,
            "seed": seed,
        }
        _check(arguments)
        super().__init__(arguments, threshold=threshold, name=name, **kwargs)
        shape = images = (None, *input_shape)
        cells = sum(count for _, count, _ in stages)
        self.router = ImageRouter(
            cells, len(MODULES), router, router_pool, name="router"
        )
        self.router.build(images)
        self.stem = ResidualStem(
            stem_filters, strides=stem_strides, max_value=6.0, name="stem"
        )
        shape = _build(self.stem, shape)
        self.cells, fallbacks = [], []
        for stage, (filters, count, strides) in enumerate(stages):
            for index in range(count):
                modules = [
                    make(shape[-1], filters, 1 if index else strides)
                    for make in MODULES.values()
                ]
                name = f"stage_{stage}_cell_{index}"
                cell = MetaCell(modules, passes_on=index > 0, name=name)
                shape = _build(cell, shape)
                self.cells.append(cell)
                fallbacks.append(None if index else list(MODULES).index(FALLBACK))
        self.selection = PolicySelection(fallbacks, alpha, seed, name="selection")
        self.selection.build((None, cells, len(MODULES)))
        self.head = ConvolutionHead(head_filters, num_classes, name="head")
        self.head.build(shape)
        self._search = {name: keras.metrics.Mean(name=name) for name in SEARCH_METRICS}
        self._phase = None
        self.finish()

    @property
    def mixed_ops(self):
        """The MixedOp of each cell, in the order in which thresholds are given."""
        return [cell.mixed_op for cell in self.cells]

    @property
    def least_branches(self):
        """None need run but in cells that cannot pass their input on."""
        return [0 if cell.passes_on else 1 for cell in self.cells]

    @property
    def phase(self):
        """What a training step trains, one of `PHASES`; `None` outside a training.

        "pretrain" is the meta-graph under all modules but those dropped; "router" the
        router under policies it draws; "meta_graph" the meta-graph under such policies,
        shuffled over the batch; "finetune" the meta-graph under the router's own. What
        is not trained is frozen, the statistics of its batch norms too.
        """
        return self._phase

    @phase.setter
    def phase(self, value):
        if value not in (None, *PHASES):
            raise UserError(f"A phase is one of {', '.join(PHASES)}; got {value!r}.")
        self._phase = value
        self.router.trainable = value in (None, "router")
        for layer in (self.stem, *self.cells, self.head):
            layer.trainable = value != "router"
        # What Keras has traced trains something else.
        self.train_function = None

    def call(self, images, route=None, threshold=None, training=False):
        if route is not None:
            return self._outputs(images, select_mixed_ops(route, self.mixed_ops))
        if training and self.phase != "finetune":
            return self._explore(images)
        policy = self.selection(self.router(images), self.thresholds(threshold))
        return self._outputs(images, self.route_of(policy))

    def _explore(self, images):
        """Returns the outputs of a training step, as the phase has it."""
        if self.phase is None:
            raise UserError(
                f"To train an InstaNAS, say what: set its phase to one of "
                f"{', '.join(PHASES)}."
            )
        if self.phase == "pretrain":
            policy = self.selection.drop(ops.shape(images)[0])
            return self._outputs(images, self.route_of(policy))
        logits = self.router(images)
        drawn, probabilities = self.selection.explore(logits)
        if self.phase == "meta_graph":
            shuffled = noise.shuffled(drawn, self.selection.seed_generator)
            route = self.route_of(self.selection.complete(shuffled))
            return {**self._outputs(images, route), "router_logits": logits}
        # Those of the baseline, which is inference's, and those drawn, in one pass.
        own, explored = self.selection(logits), self.selection.complete(drawn)
        both = self.route_of(ops.concatenate([own, explored]))
        outputs = self._outputs(ops.concatenate([images, images]), both)
        own_logits, explored_logits = ops.split(outputs["logits"], 2)
        return {
            "logits": own_logits,
            "route": self.route_of(own),
            "router_logits": logits,
            "explored": {
                "logits": explored_logits,
                "route": self.route_of(explored),
                "policy": drawn,
                "probabilities": probabilities,
            },
        }

    def route_of(self, policy):
        """Returns a policy `(batch, cells, modules)` as a route."""
        names = [op.name for op in self.mixed_ops]
        return dict(zip(names, ops.unstack(policy, axis=1), strict=True))

    def _outputs(self, images, route):
        outputs = self.stem(images)
        for cell in self.cells:
            outputs = cell(outputs, route[cell.mixed_op.name])
        return {"logits": self.head(outputs), "route": route}

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the metrics of `RoutedModel`, and those of the search.

        `entropy` of the router's probabilities, `modules`: the share that they run,
        `same_architecture`: the share of pairs of images that run the same, and
        `reward`: of those architectures.
        """
        shown = PHASES.get(self.phase, ())
        if "modules" in shown:
            policy = ops.stack(list(y_pred["route"].values()), axis=1)
            if "router_logits" in y_pred:
                policy = self.selection(y_pred["router_logits"])
                entropy = policies.entropy(ops.sigmoid(y_pred["router_logits"]))
                self._search["entropy"].update_state(entropy)
            self._search["modules"].update_state(policy)
            self._search["same_architecture"].update_state(policies.sameness(policy))
        if "reward" in shown:
            rewards = self.routing_loss.rewards(y, y_pred)
            self._search["reward"].update_state(rewards)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def get_metrics_result(self):
        """Returns the metrics, of the search those alone that the phase has."""
        hidden = set(SEARCH_METRICS).difference(PHASES.get(self.phase, ()))
        results = super().get_metrics_result()
        return {name: value for name, value in results.items() if name not in hidden}


def _build(layer, shape):
    layer.build(shape)
    return layer.compute_output_shape(shape)


def _check(arguments):
    stages = arguments["stages"]
    if not stages or not all(len(s) == 3 and min(s) > 0 for s in stages):
        raise UserError(
            f"A stage is (filters, cells, strides), all above 0, and there is at least "
            f"one; got {stages}."
        )

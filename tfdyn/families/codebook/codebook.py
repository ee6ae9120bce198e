"""Codebook: a network that runs one of a few fixed routes for each image.

It is ours: no paper has it. DS-Net (Li et al., 2021) and JEI-DNN (2024) choose among
few sub-networks by labels, too.
"""

import keras
import numpy as np
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.codebook.decision import Decision
from tfdyn.families.codebook.router import ChoiceRouter, Correction
from tfdyn.families.codebook.training_pass import training_pass
from tfdyn.families.codebook.tree import RouteTree
from tfdyn.models.pruning import prune_to_routes
from tfdyn.models.routed_model import RoutedModel
from tfdyn.routing.route import select_mixed_ops


@keras.saving.register_keras_serializable("tfdyn")
class Codebook(RoutedModel):
    """Chooses one of K routes of a network, as late as the routes are the same.

    Wherever routes fork, a router predicts for each route that is still possible the
    probability p that its answer is right. The network goes on with the route that has
    the largest `p - lambda * cost`. Where routes are nested in depth, this is a chain
    of questions: is it enough, or shall the network go on? T sets
    `lambda = (1 - T) / T`. So T near 1 runs long routes, and T=1 the last one.

    One classifier cannot read the features of all routes well. Each route corrects its
    logits by a dense layer of its own, which is 0 at first.

    ```python
    base = tfdyn.build("dmnn_xs", (32, 32, 3), 10, selection="none")
    model = Codebook(base, routes=[cheap, middle, dear], costs=[0.3, 0.6, 1.0])
    ```

    Args:
        base: `RoutedModel` whose routes are chosen, or its serialized form. It becomes
            a part of the codebook, without its routers and without the branches that
            none of the routes runs. Of a MixedOp without any other, the branch with the
            fewest parameters remains.
        routes: K flat routes of `base`, a list of lists or an array `(K, branches)`,
            from the cheapest to the most expensive. No two may be equal, and K is at
            most 64. With one there are no routers: the network is the static twin of
            this route.
        costs: The cost of each route, divided by that of the last one; K floats that
            rise from above 0 to 1.
        prune: Boolean, whether branches that no route runs are removed. It is false for
            files that were written before there was this argument.
        units: Integer, size of the routers' hidden layer.
        trunk_gradient: Float in [0, 1]. Where routes part, the gradient of those
            without the last route is multiplied by it. Early classifiers spoil the
            features that later parts need (Huang et al., 2018, section 3).
        threshold: T in (0, 1], a float or a list with one float for each MixedOp. The
            router of a part reads that of the part's first MixedOp.

    The call is that of `RoutedModel`. Its routes, and the attribute `routes`, have
    weights for the branches that remain. A given `route` that is not in the codebook
    has the correction of the most similar one that is. In training all routes run, and
    the result also has `route_logits`, a tensor `(batch, K, classes)`; `choice_logits`,
    a tensor `(batch, forks, K)`; and `belief_logits` `(batch, forks, classes)`.

    Raises:
        UserError: If there is no route, two are equal, one cannot run, or the costs do
            not rise.
    """

    at_least_1 = ("num_classes", "units")
    at_most = {"units": 4096}

    def __init__(
        self,
        base,
        routes,
        costs,
        units=32,
        trunk_gradient=1.0,
        prune=True,
        threshold=0.9,
        name="codebook",
        **kwargs,
    ):
        if isinstance(base, dict):
            base = keras.saving.deserialize_keras_object(base)
        routes, costs = np.asarray(routes, "float32"), np.asarray(costs, "float32")
        arguments = {
            "base": keras.saving.serialize_keras_object(base),
            "routes": routes.tolist(),
            "costs": costs.tolist(),
            "units": units,
            "trunk_gradient": trunk_gradient,
            "prune": prune,
            "input_shape": base.arguments["input_shape"],
            "num_classes": base.arguments["num_classes"],
        }
        super().__init__(arguments, threshold=threshold, name=name, **kwargs)
        _check(base, routes, costs)
        self._spec = base.route_spec
        self._remain = prune_to_routes(base, routes if prune else np.ones_like(routes))
        routes = routes[:, self._remain]
        self.base, self.routes, self.costs = base, routes, costs
        self.binary = base.binary
        self.decision = Decision(routes, costs)
        names = [[op.name for op in part] for part in base.parts]
        by_name = base.route_spec.split(routes)
        self.tree = RouteTree(
            [np.concatenate([by_name[n] for n in part], axis=-1) for part in names]
        )
        self.routers = []
        *shapes, last = base.look_shapes()
        for shape, forks in zip(shapes, self.tree.forks, strict=True):
            router = None
            if forks:
                router = ChoiceRouter(
                    len(routes),
                    self.arguments["num_classes"],
                    units,
                    name=f"choice_{len(self.routers)}",
                )
                router.build(shape)
            self.routers.append(router)
        self.correction = Correction(len(routes), self.arguments["num_classes"])
        self.correction.build(last)
        self.finish()

    @property
    def mixed_ops(self):
        """List of the MixedOps of the network whose routes are chosen."""
        return self.base.mixed_ops

    @property
    def least_branches(self):
        """For each MixedOp, the smallest number of branches that may run."""
        return self.base.least_branches

    @property
    def parts(self):
        """List of lists: the MixedOps of each part of the network, in order."""
        return self.base.parts

    def get_config(self):
        config = super().get_config()
        return {k: v for k, v in config.items() if k not in _OF_BASE}

    @classmethod
    def from_config(cls, config):
        return cls(**{"prune": False, **config})

    def unpruned(self, routes):
        whole = np.zeros((len(routes), self._spec.size), "float32")
        whole[:, self._remain] = routes
        return whole, self._spec

    def call(self, images, route=None, threshold=None, training=False):
        thresholds = self.thresholds(threshold)
        if route is not None:
            route = select_mixed_ops(route, self.mixed_ops)
        elif training:
            return training_pass(self, images, thresholds)
        state, routes = self.base.begin(images), {}
        if route is None:
            alive = self.decision.all_routes(images)
        else:
            alive = self.decision.most_similar(self.route_spec.flatten(route))
        first = 0
        for index, part in enumerate(self.base.parts):
            if route is not None:
                weights = {op.name: route[op.name] for op in part}
            else:
                if self.routers[index]:
                    logits, _ = self.routers[index](self.base.look(state))
                    for fork in self.tree.forks[index]:
                        alive = self.decision.after(
                            fork, alive, logits, thresholds[first]
                        )
                weights = self.weights_of(alive, part)
            routes.update(weights)
            state = self.base.advance(state, index, weights)
            first += len(part)
        corrections = self.correction(self.base.look(state))
        logits = self.base.end(state) + ops.sum(alive[..., None] * corrections, axis=1)
        return {"logits": logits, "route": routes}

    def weights_of(self, alive, mixed_ops):
        """Returns weights of MixedOps by the first route that is possible.

        Args:
            alive: Which routes are possible, `(batch, K)` (`Decision`).
            mixed_ops: List of the MixedOps.

        Returns:
            Mapping from their names to weights `(batch, branches)`.
        """
        table = self.base.route_spec.split(self.routes)
        first = None
        weights = {}
        for op in mixed_ops:
            rows = table[op.name]
            if (rows == rows[0]).all():
                shape = (ops.shape(alive)[0], rows.shape[1])
                weights[op.name] = ops.broadcast_to(
                    ops.convert_to_tensor(rows[:1]), shape
                )
                continue
            if first is None:
                first = self.decision.first(alive)
            weights[op.name] = ops.matmul(first, rows)
        return weights


# In a training step all routes run.
LARGEST = 64
# What `get_config` leaves out, because the base holds it.
_OF_BASE = ("input_shape", "num_classes")


def _check(base, routes, costs):
    if routes.ndim != 2 or len(routes) < 1 or costs.shape != (len(routes),):
        raise UserError(
            f"A codebook needs one route or more, and a cost for each; got routes of "
            f"the shape {routes.shape} and costs of the shape {costs.shape}."
        )
    if len(routes) > LARGEST:
        raise UserError(
            f"A codebook has at most {LARGEST} routes; got {len(routes)}. Leave some "
            f"out."
        )
    rise = costs[0] > 0 and (np.diff(costs) > 0).all() and np.isclose(costs[-1], 1)
    if not rise:
        raise UserError(
            f"The costs of a codebook's routes must rise from above 0 to 1, the cost "
            f"of the last; got {costs.tolist()}. Pass the routes from the cheapest to "
            f"the most expensive, and divide their costs by that of the last."
        )
    for route in routes:
        base.route_spec.check(route)
    _, firsts = np.unique(routes, axis=0, return_index=True)
    if copies := sorted({*range(len(routes))}.difference(firsts.tolist())):
        raise UserError(
            f"A codebook holds no route twice; leave out route {copies[0] + 1}, a copy "
            f"of one before it."
        )

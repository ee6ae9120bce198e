"""Codebook: a network that runs one of a few fixed routes for each image.

It is ours: no paper has it. DS-Net (Li et al., 2021) and JEI-DNN (2024) choose among
few sub-networks by labels, too.
"""

import keras
import numpy as np
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.codebook.router import ChoiceRouter, Correction
from tfdyn.families.codebook.tree import RouteTree
from tfdyn.layers import execution
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
        base: `RoutedModel` whose routes are chosen, or its serialized form. Its own
            routers are not used.
        routes: K flat routes of `base`, a list of lists or an array `(K, branches)`,
            from the cheapest to the dearest. No two may be equal. With one there are
            no routers: the network is the static twin of this route.
        costs: The cost of each route, divided by that of the last one; K floats that
            rise.
        units: Integer, size of the routers' hidden layer.
        trunk_gradient: Float in [0, 1]. Where routes part, the gradient of those
            without the last route is multiplied by it. Early classifiers spoil the
            features that later parts need (Huang et al., 2018, section 3).
        threshold: T in (0, 1], a float or a list with one float for each MixedOp. The
            router of a part reads that of the part's first MixedOp.

    The call is that of `RoutedModel`. A given `route` that is not in the codebook has
    the correction of the most similar one that is. In training all routes run, and the
    result also has `route_logits`, a tensor `(batch, K, classes)`; `choice_logits`, a
    tensor `(batch, forks, K)`; and `belief_logits` `(batch, forks, classes)`.

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
            "input_shape": base.arguments["input_shape"],
            "num_classes": base.arguments["num_classes"],
        }
        super().__init__(arguments, threshold=threshold, name=name, **kwargs)
        _check(base, routes, costs)
        self.base, self.routes, self.costs = base, routes, costs
        self.binary = base.binary
        # Branches of no route have no gradient.
        uses = base.route_spec.split((routes != 0).any(axis=0))
        for op in base.mixed_ops:
            for branch, used in zip(op.branches, uses[op.name], strict=True):
                branch.trainable = bool(used)
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

    @property
    def modules(self):
        """The modules of the network, without routers of the base."""
        prefix = f"{self.base.name}/"
        return [
            module
            for module in super().modules
            if module.kind != "router" or not module.name.startswith(prefix)
        ]

    def call(self, images, route=None, threshold=None, training=False):
        thresholds = self.thresholds(threshold)
        if route is not None:
            route = select_mixed_ops(route, self.mixed_ops)
        elif training:
            return self._all(images, thresholds)
        state, routes = self.base.begin(images), {}
        alive = self._all_alive(images) if route is None else self._most_similar(route)
        first = 0
        for index, part in enumerate(self.base.parts):
            if route is not None:
                weights = {op.name: route[op.name] for op in part}
            else:
                if self.routers[index]:
                    logits, _ = self.routers[index](self.base.look(state))
                    for fork in self.tree.forks[index]:
                        alive = self._decide(alive, logits, fork, thresholds[first])
                weights = self._weights(alive, part)
            routes.update(weights)
            state = self.base.advance(state, index, weights)
            first += len(part)
        corrections = self.correction(self.base.look(state))
        logits = self.base.end(state) + ops.sum(alive[..., None] * corrections, axis=1)
        return {"logits": logits, "route": routes}

    def _all(self, images, thresholds):
        """Returns the outputs of a training step: all routes run."""
        count, alive = len(self.routes), self._all_alive(images)
        logits, choices, beliefs = [None] * count, {}, {}

        def walk(index, state, members):
            if index == len(self.base.parts):
                (member,) = members  # No two routes are the same.
                corrections = self.correction(self.base.look(state))
                logits[member] = self.base.end(state) + corrections[:, member]
                return
            groups = self.tree.groups(index, members)
            if len(groups) > 1:
                pair = self.routers[index](self.base.look(state), training=True)
                choices[index, members], beliefs[index, members] = pair
            part = self.base.parts[index]
            for group in groups:
                before = state
                if len(groups) > 1 and count - 1 not in group:
                    before = self._with_less_gradient(state)
                route = self.base.route_spec.split(self.routes[[group[0]]])
                weights = {op.name: route[op.name] for op in part}
                with execution.scope(execution.fixed(weights, part)):
                    after = self.base.advance(before, index, weights)
                walk(index + 1, after, group)

        walk(0, self.base.begin(images), tuple(range(count)))
        forks = [(i, fork) for i, forks in enumerate(self.tree.forks) for fork in forks]
        firsts = np.cumsum([0, *map(len, self.base.parts)])
        for index, fork in forks:
            scores = choices[index, fork.members]
            alive = self._decide(alive, scores, fork, thresholds[firsts[index]])
        all_logits = ops.stack(logits, axis=1)
        outputs = {
            "logits": ops.sum(alive[..., None] * all_logits, axis=1),
            "route": self._weights(alive, self.mixed_ops),
            "route_logits": all_logits,
        }
        for name, of_forks in (("choice_logits", choices), ("belief_logits", beliefs)):
            if forks:
                logits = [of_forks[index, fork.members] for index, fork in forks]
                outputs[name] = ops.stack(logits, axis=1)
        return outputs

    def _with_less_gradient(self, state):
        share = self.arguments["trunk_gradient"]

        def scale(tensor):
            return tensor * share + ops.stop_gradient(tensor) * (1.0 - share)

        return state if share == 1 else keras.tree.map_structure(scale, state)

    def _all_alive(self, images):
        # As numbers, because files for phones have no `and` of booleans.
        return ops.ones((ops.shape(images)[0], len(self.routes)), "float32")

    def _most_similar(self, route):
        """Returns 1 for the route that is most similar to a given one, else 0."""
        flat = ops.cast(self.base.route_spec.flatten(route), "float32")
        distances = ops.sum(ops.abs(flat[:, None] - self.routes), axis=-1)
        nearest = ops.min(distances, axis=-1, keepdims=True)
        return self._first(ops.cast(distances <= nearest, "float32"))

    def _first(self, marks):
        """Returns 1 for the first route of those that are marked with 1, else 0."""
        count = len(self.routes)
        before = np.triu(np.ones((count, count), "float32"), 1)
        return marks * (1.0 - ops.minimum(ops.matmul(marks, before), 1.0))

    def _decide(self, alive, logits, fork, threshold):
        """Returns 1 for each route that is still possible after a fork, else 0."""
        count = len(self.routes)
        members = fork.member_mask(count).astype("float32")
        # T times `p - lambda * cost`, which is finite however small T is.
        gain = threshold * ops.sigmoid(logits) - (1.0 - threshold) * self.costs
        # With T=1 the last route runs, whatever the routers predict.
        gain = ops.where(threshold >= 1.0, np.arange(count, dtype="float32"), gain)
        gain = ops.where(members > 0, gain, -1e9)
        # No `argmax`, which Keras computes by steps that files for phones do not have.
        best = ops.cast(gain >= ops.max(gain, axis=-1, keepdims=True), "float32")
        best = self._first(best)
        with_best = ops.matmul(best, fork.together(count).astype("float32"))
        here = ops.max(alive * members, axis=-1, keepdims=True)
        return alive * (here * with_best + 1.0 - here)

    def _weights(self, alive, mixed_ops):
        """Returns the weights of some MixedOps by the first route that is possible."""
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
                first = self._first(alive)
            weights[op.name] = ops.matmul(first, rows)
        return weights


# What `get_config` leaves out, because the base holds it.
_OF_BASE = ("input_shape", "num_classes")


def _check(base, routes, costs):
    if routes.ndim != 2 or len(routes) < 1 or costs.shape != (len(routes),):
        raise UserError(
            f"A codebook needs one route or more, and a cost for each; got routes of "
            f"the shape {routes.shape} and costs of the shape {costs.shape}."
        )
    if not (np.isfinite(costs).all() and (np.diff(costs) > 0).all()):
        raise UserError(
            f"The costs of a codebook's routes must rise; got {costs.tolist()}. Pass "
            f"the routes from the cheapest to the dearest."
        )
    for route in routes:
        base.route_spec.check(route)
    if len(np.unique(routes, axis=0)) < len(routes):
        raise UserError("A codebook holds no route twice; leave out the copies.")

"""Calibration: observes the ranges of activations, with every branch on some images."""

import numpy as np
import tensorflow as tf

from export.graph.ranges import Names, Ranges
from tfdyn.errors import UserError
from tfdyn.layers import execution, quantization, sharing
from tfdyn.layers.quantization import Quantization

BATCH = 32
# A branch also runs on this share of the images that do not choose it: images that are
# a little different would. In each batch it runs on one image at least.
FORCED_SHARE = 0.25


def calibrate(
    model,
    images: np.ndarray,
    threshold: float | list[float],
    route: np.ndarray | None = None,
    seed: int = 0,
) -> Ranges:
    """Observes the ranges of a network's activations on images.

    Each branch runs on the images that choose it, and is forced on `FORCED_SHARE` of
    the others. What it computes for these is observed, but not added to the sum.

    Args:
        model: `RoutedModel`.
        images: Normalised float32 images `(n, height, width, channels)`, at least
            `BATCH`. Those beyond a multiple of `BATCH` are left out.
        threshold: T, a number or a list with one for each MixedOp.
        route: Flat route `(branches of all MixedOps,)` that all images run, or `None`
            for the routes that the routers choose.
        seed: Seed of the draw of the images on which branches are forced.

    Returns:
        `Ranges`, each the mean over batches of the smallest and of the largest value.

    Raises:
        UserError: If there are fewer images, a branch ran on none of them, or an
            activation has the same value, 0, for all of them.
    """
    batches = len(images) // BATCH
    if not batches:
        raise UserError(
            f"A calibration needs at least {BATCH} images; got {len(images)}: pass "
            "more."
        )
    names, same = Names(model), []

    @tf.function(autograph=False)
    def observe(batch, draws):
        observer = _Observer(names, draws)
        arguments = {"threshold": threshold}
        if route is not None:
            flat = tf.repeat(tf.constant(route, tf.float32)[None], BATCH, axis=0)
            arguments = {"route": model.route_spec.split(flat)}
        with execution.scope(observer.run), quantization.scope(observer):
            model(batch, training=False, **arguments)
        same.extend(observer.same)
        return observer.extremes, observer.counts

    generator = np.random.default_rng(seed)
    shape = (model.route_spec.size, BATCH)
    extremes, counts = zip(
        *(
            observe(tf.constant(part), tf.constant(generator.random(shape, "float32")))
            for part in np.split(np.asarray(images)[: batches * BATCH], batches)
        ),
        strict=True,
    )
    choices, runs = (
        {name: int(sum(each[name][i] for each in counts)) for name in counts[0]}
        for i in (0, 1)
    )
    _check_branches(model, runs)
    ranges = {
        name: tuple(
            float(np.mean([each[name][i] for each in extremes])) for i in (0, 1)
        )
        for name in extremes[0]
    }
    ranges = _united(ranges, same)
    # 0 must be one of the 256 numbers.
    ranges = {name: (min(0.0, a), max(0.0, b)) for name, (a, b) in ranges.items()}
    _check(ranges)
    provenance = {
        "images": batches * BATCH,
        "forced_share": FORCED_SHARE,
        "seed": seed,
        "branches": {
            name: {"chosen": choices[name], "forced": runs[name] - choices[name]}
            for name in runs
        },
    }
    return Ranges(ranges, provenance)


def _united(ranges, same):
    """Returns ranges in which both names of each pair have the same one."""
    groups = {name: {name} for name in ranges}
    for name, other in same:
        group = groups[name] | groups[other]
        groups |= dict.fromkeys(group, group)
    united = {}
    for name, group in groups.items():
        lows, highs = zip(*(ranges[each] for each in group), strict=True)
        united[name] = min(lows), max(highs)
    return united


def _check_branches(model, runs):
    """Refuses a calibration in which a branch ran on no image."""
    names = [module.name for module in model.modules if module.kind == "branch"]
    if never := [name for name in names if not runs.get(name)]:
        raise UserError(
            f"{len(never)} of {len(names)} branches were never calibrated: "
            f"{', '.join(never[:5])}. Without a range they cannot be int8. Pass more "
            f"images (--calibration_images). If that does not help, use "
            f"--precision=float32, and report this."
        )


def _check(ranges):
    empty = [
        n for n, (low, high) in ranges.items() if not -np.inf < low < high < np.inf
    ]
    if empty:
        raise UserError(
            f"The calibration found no range for {', '.join(empty[:5])}: the "
            f"activation is 0 or not a number for all images. Pass images like those "
            f"of the training, or use --precision=float32."
        )


class _Observer(Quantization):
    """Observes the extremes of activations in a graph that is being traced.

    Args:
        names: `Names` of the activations.
        draws: Tensor `(branches of all MixedOps, BATCH)` of numbers from 0 to 1, which
            decide on which images a branch is forced.

    Attributes:
        extremes: Mapping from names to pairs of scalars, the extreme values.
        counts: Mapping from the names of branches to pairs of scalars: how many images
            chose the branch, and on how many it ran.
        same: List of pairs of names that need one range: those of a sum that goes on
            with another one, or that is concatenated with others.
    """

    def __init__(self, names, draws):
        self._names, self._draws = names, iter(tf.unstack(draws))
        self.extremes, self.counts, self.same = {}, {}, []
        self._sums = {}

    def point(self, tensor, layer, place):
        name = self._names(layer, place)
        if name is not None:
            self._observe(name, tensor)
            if id(tensor) in self._sums:
                self.same.append((name, self._sums[id(tensor)][1]))
        return tensor

    def _observe(self, name, tensor):
        low, high = tf.reduce_min(tensor), tf.reduce_max(tensor)
        if name in self.extremes:
            before = self.extremes[name]
            low, high = tf.minimum(low, before[0]), tf.maximum(high, before[1])
        self.extremes[name] = low, high

    def run(self, branches, inputs, weights, initial=None):
        """Is an execution (`tfdyn.layers.execution`) that also forces branches."""
        outputs = initial
        if outputs is None:
            outputs = execution.zeros(branches, inputs)
        name = self._names(branches[0], "sum")
        if id(outputs) in self._sums:
            self.same.append((name, self._sums[id(outputs)][1]))
        self._observe(name, outputs)
        for branch, weight in zip(branches, tf.unstack(weights, axis=-1), strict=True):
            outputs = self._add(outputs, branch, inputs, weight)
            self._observe(name, outputs)
        # The tensor is kept, so that no other one gets its id.
        self._sums[id(outputs)] = outputs, name
        return outputs

    def _add(self, outputs, branch, inputs, weight):
        choice = weight != 0
        draws = tf.where(choice, 1.0, next(self._draws))
        forced = (draws < FORCED_SHARE) | (draws <= tf.reduce_min(draws))
        rows = tf.where(choice | forced)[:, 0]
        with sharing.scope():
            term = branch(tf.gather(inputs, rows))
        count = tf.math.count_nonzero(choice)
        self.counts[self._names.path(branch)] = count, tf.size(rows, tf.int64)
        # Where a branch is forced it has its mean weight.
        mean = tf.reduce_sum(weight) / tf.cast(count, weight.dtype)
        mean = tf.where(count > 0, mean, 1.0)
        shape = (-1,) + (1,) * (len(term.shape) - 1)
        weight = tf.gather(weight, rows)
        observed = tf.where(weight == 0, mean, weight)
        self.point(tf.stack([0.0, 1.0]), branch, "weight")
        self.point(term * tf.reshape(observed, shape), branch, "weighted")
        term *= tf.reshape(weight, shape)
        return tf.tensor_scatter_nd_add(outputs, rows[:, None], term)

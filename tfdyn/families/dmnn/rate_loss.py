"""Losses of DMNN: cross-entropy, categories, and rates held to a target."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.losses import global_batch
from tfdyn.losses.cross_entropy import cross_entropy


def category_weights(stage_of_block):
    """Returns the weight of each router's category loss (DMNN section 3.2).

    0.0001 in the first stage, ten times as much in each next one. Of networks of more
    than the four stages of ResNet the rest have 0.1, as its last.

    Args:
        stage_of_block: Index of each block's stage.
    """
    return [min(0.1, 0.0001 * 10**stage) for stage in stage_of_block]


class RateLoss(keras.losses.Loss):
    """DMNN's eq. 16: what is learnt, at a rate of execution that is asked for.

    Cross-entropy of the classes; of the categories, by each router (eq. 10); the
    squared distance of each block's execution rate from the target (eq. 12); that of
    the share of the sub-blocks' cost (eq. 14). Each has a weight of 1. Rates are means
    over the global batch, whatever part of it a replica has.

    Args:
        cost: `RouteCost` of the network; `None`: rates are not held to a target.
        target_rate: r, and e too. Eq. 14 leaves open of what r is the share: here of
            what can be skipped, the sub-blocks, to which the published costs are nearer
            (r=0.7 runs 78.8 % of all). It is a scalar variable, `target_rate`, that a
            training changes as it goes.
        categories: Index of each class's category; needed for `category_logits`.
        category_weights: Weight of each router's category loss.
        label_smoothing: Between 0 and 1, for the classes.

    Called with labels `(batch,)`, integers, and a model's outputs; returns the
    mean over the batch.
    """

    def __init__(
        self,
        cost=None,
        target_rate=0.7,
        categories=(),
        category_weights=(),
        label_smoothing=0.0,
        name="rate_loss",
    ):
        super().__init__(name=name)
        if not 0 < target_rate <= 1:
            raise UserError(
                f"A target rate is a share above 0, at most 1; got {target_rate}."
            )
        if cost is not None and not cost.all_branches > 0:
            raise UserError(
                "The sub-blocks cost nothing at all in this table: there is no share "
                "of their cost to hold to a target. Use another table."
            )
        self.cost = cost
        self.target_rate = keras.Variable(
            target_rate, dtype="float32", trainable=False, name="target_rate"
        )
        self.categories, self.category_weights = list(categories), category_weights
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        labels = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        losses = cross_entropy(labels, y_pred["logits"], self.label_smoothing)
        if "category_logits" in y_pred:
            losses += self._category_loss(labels, y_pred["category_logits"])
        if self.cost is not None:
            losses += self._resource_loss(y_pred["route"])
        return losses

    def _category_loss(self, labels, logits):
        if len(self.category_weights) != logits.shape[1] or not self.categories:
            raise UserError(
                f"The {logits.shape[1]} routers with category heads need as many "
                f"category_weights and the category of each class; got "
                f"{len(self.category_weights)} weights and {len(self.categories)} "
                f"classes."
            )
        categories = ops.take(ops.convert_to_tensor(self.categories, "int32"), labels)
        categories = ops.broadcast_to(
            ops.expand_dims(categories, -1), ops.shape(logits)[:2]
        )
        weights = ops.convert_to_tensor(self.category_weights, "float32")
        return ops.sum(weights * cross_entropy(categories, logits), axis=-1)

    def _resource_loss(self, route):
        share = self.cost.expected(route) / self.cost.all_branches
        rates = [ops.mean(route[name], axis=-1) for name in self.cost.branches]
        # Of each block, and of the cost: one mean over the replicas for all.
        rates = global_batch.mean(ops.stack([*rates, share], axis=-1))
        return ops.sum(ops.square(rates - ops.cast(self.target_rate, "float32")))

"""Losses of DRNet and ISBNet: cross-entropy and the expected cost of the route."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.losses.cross_entropy import cross_entropy

FORMS = ("log", "share")


class RoutingLoss(keras.losses.Loss):
    """Cross-entropy, auxiliary cross-entropy, and a price on expected cost.

    `form="log"` is DRNet's eq. 8: the cost term is the logarithm of the expected
    cost of the branches. `form="share"` is ISBNet's eq. 5, with the cost as a share
    of all branches'. Both apply to the examples that are classified right.

    Args:
        cost: `RouteCost` of the network; needed when `cost_weight` is not 0.
        cost_weight: lambda.
        form: "log" or "share".
        label_smoothing: Between 0 and 1.
        auxiliary_weight: Weight of the auxiliary head's cross-entropy.

    Called with labels `(batch,)`, integers, and a model's outputs; returns the
    mean over the batch.
    """

    def __init__(
        self,
        cost=None,
        cost_weight=0.0,
        form="log",
        label_smoothing=0.0,
        auxiliary_weight=0.4,
        name="routing_loss",
    ):
        super().__init__(name=name)
        if form not in FORMS:
            raise UserError(
                f"The form of the cost term is one of {', '.join(FORMS)}; got {form!r}."
            )
        if cost_weight and cost is None:
            raise UserError(
                f"A cost_weight of {cost_weight} needs a cost: pass "
                f"cost=model.route_cost."
            )
        if cost_weight and not cost.all_branches > 0:
            raise UserError(
                "The branches cost nothing at all in this table: there is no cost to "
                "put into the loss. Use another table, or a cost_weight of 0."
            )
        self.cost, self.cost_weight, self.form = cost, cost_weight, form
        self.label_smoothing = label_smoothing
        self.auxiliary_weight = auxiliary_weight

    def call(self, y_true, y_pred):
        labels = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        losses = cross_entropy(labels, y_pred["logits"], self.label_smoothing)
        if "auxiliary_logits" in y_pred:
            logits = y_pred["auxiliary_logits"]
            auxiliary = cross_entropy(labels, logits, self.label_smoothing)
            losses += self.auxiliary_weight * auxiliary
        if self.cost_weight:
            right = ops.cast(ops.argmax(y_pred["logits"], axis=-1), "int32") == labels
            price = self.cost_weight * self._price(y_pred["route"])
            losses += ops.where(right, price, 0.0)
        return losses

    def _price(self, route):
        expected = self.cost.expected(route)
        if self.form == "log":
            # A route of nothing but free branches must not be worth infinitely much.
            return ops.log(ops.maximum(expected, 1e-6 * self.cost.all_branches))
        return expected / self.cost.all_branches

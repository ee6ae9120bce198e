"""RoutingLoss: the losses of DRNet and ISBNet, cross-entropy plus a cost term."""

import math
import numbers

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.losses.cross_entropy import cross_entropy
from tfdyn.losses.labels import class_indices
from tfdyn.losses.routers import router_terms

FORMS = ("log", "share")


class RoutingLoss(keras.losses.Loss):
    """Computes cross-entropy, plus a term for the expected cost of the route.

    With `form="log"` (DRNet, eq. 8) the cost term is the logarithm of the expected cost
    of the branches. With `form="share"` (ISBNet, eq. 5) it is the expected cost divided
    by the cost of all branches. In both forms only images that are classified correctly
    have a cost term. If the model has an auxiliary head, its cross-entropy is added.
    Two terms of `tfdyn.losses.routers`, which the papers do not have, may be added.

    The loss is called with integer labels `(batch,)` or `(batch, 1)` and the mapping
    that a `RoutedModel` returns. It returns the mean over the batch, a scalar.

    Args:
        cost: `RouteCost` of the network. It may be `None` if `cost_weight` is 0.
        cost_weight: Float, the factor lambda of the cost term.
        form: "log" or "share".
        label_smoothing: Float, share of a label that is spread evenly over all classes,
            from 0 to 1.
        auxiliary_weight: Float, factor of the cross-entropy of the auxiliary head.
        belief_weight: Float, the weight of the loss of the routers' beliefs.
        dependence_weight: Float, the weight of the dependence of choices on images.
        name: Name of the loss.

    Raises:
        UserError: If `form` is unknown, a factor is out of its range, or if
            `cost_weight` is not 0 and `cost` is missing or the costs of all its
            branches sum to 0.
    """

    def __init__(
        self,
        cost=None,
        cost_weight: float = 0.0,
        form: str = "log",
        label_smoothing: float = 0.0,
        auxiliary_weight: float = 0.4,
        belief_weight: float = 0.1,
        dependence_weight: float = 0.0,
        name: str = "routing_loss",
    ):
        super().__init__(name=name)
        if form not in FORMS:
            raise UserError(
                f"The form of the cost term must be one of {', '.join(FORMS)}; got "
                f"{form!r}. Pass one of these names."
            )
        for field, value, most in (
            ("cost_weight", cost_weight, math.inf),
            ("label_smoothing", label_smoothing, 1),
            ("auxiliary_weight", auxiliary_weight, math.inf),
            ("belief_weight", belief_weight, math.inf),
            ("dependence_weight", dependence_weight, math.inf),
        ):
            if not isinstance(value, numbers.Real) or not 0 <= value < most:
                raise UserError(
                    f"{field} must be a number of at least 0 and below {most}; got "
                    f"{value!r}."
                )
        if cost_weight and cost is None:
            raise UserError(
                f"A cost_weight of {cost_weight} needs a cost: pass "
                f"cost=model.route_cost."
            )
        if cost_weight and not cost.all_branches > 0:
            raise UserError(
                f"{cost.table_name}: the branches cost nothing at all, but a "
                f"cost_weight of {cost_weight} needs costs above 0. Use another table, "
                f"or a cost_weight of 0."
            )
        self.cost, self.cost_weight, self.form = cost, cost_weight, form
        self.label_smoothing = label_smoothing
        self.auxiliary_weight = auxiliary_weight
        self.belief_weight, self.dependence_weight = belief_weight, dependence_weight

    def call(self, y_true, y_pred):
        labels = class_indices(y_true, y_pred["logits"].shape[-1])
        losses = cross_entropy(labels, y_pred["logits"], self.label_smoothing)
        if "auxiliary_logits" in y_pred:
            logits = y_pred["auxiliary_logits"]
            auxiliary = cross_entropy(labels, logits, self.label_smoothing)
            losses += self.auxiliary_weight * auxiliary
        if self.cost_weight:
            classes = ops.cast(ops.argmax(y_pred["logits"], axis=-1), "int32")
            cost_term = self.cost_weight * self._cost_term(y_pred["route"])
            losses += ops.where(classes == labels, cost_term, 0.0)
        if "choice_probabilities" in y_pred:
            weights = self.belief_weight, self.dependence_weight
            losses += router_terms(labels, y_pred, *weights)
        return losses

    def _cost_term(self, route):
        """Returns the cost term of each image before its factor, `(batch,)`."""
        expected = self.cost.expected(route)
        if self.form == "log":
            # If all branches of a route cost 0, the loss must not be minus infinity.
            return ops.log(ops.maximum(expected, 1e-6 * self.cost.all_branches))
        return expected / self.cost.all_branches

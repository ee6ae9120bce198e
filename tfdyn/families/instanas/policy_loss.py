"""The loss of InstaNAS's router: policy gradients of a reward within bounds."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.instanas import policies

# What the term of the entropy is multiplied by.
ENTROPY = {"minimised": 1.0, "maximised": -1.0}


class PolicyLoss(keras.losses.Loss):
    """Policy gradient with a self-critical baseline (InstaNAS eq. 1), and entropy.

    The reward of an image is `R_T * R_A` (eq. 2): R_T is `right` or `wrong`, as the
    class is, and R_A a parabola of the route's cost: 1 in the middle of the bounds U
    and L, 0 at them and beyond. Where R_T is not positive it is the reward itself. The
    gradient is that of the logarithm of the probability of what was drawn, times the
    reward of it less that of the router's own policy.

    `upper` and `lower`, U and L in the unit of the cost, are scalar variables that a
    training changes as it goes (dynamic reward, section 3.3).

    Args:
        cost: `RouteCost` of the network; what always runs is in the bounds too.
        right: R_T where the class is right.
        wrong: R_T where it is wrong, at most 0.
        entropy: "minimised" (the paper) or "maximised" (its authors' code).
        entropy_weight: Weight of the router's entropy.

    Called with labels `(batch,)`, integers, and the outputs of an `InstaNAS` in the
    phase "router"; returns the mean over the batch.
    """

    def __init__(
        self,
        cost,
        right=30.0,
        wrong=0.0,
        entropy="minimised",
        entropy_weight=0.8,
        name="policy_loss",
    ):
        super().__init__(name=name)
        if entropy not in ENTROPY:
            raise UserError(
                f"The entropy is one of {', '.join(ENTROPY)}; got {entropy!r}."
            )
        if not cost.all_branches > 0:
            raise UserError(
                "The modules cost nothing at all in this table: there is no cost to "
                "search by. Use another table."
            )
        self.cost, self.right, self.wrong = cost, right, wrong
        self.entropy_weight = ENTROPY[entropy] * entropy_weight
        bounds = {"upper": cost.fixed + cost.all_branches, "lower": cost.fixed}
        for bound, value in bounds.items():
            variable = keras.Variable(
                value, dtype="float32", trainable=False, name=f"{bound}_bound"
            )
            setattr(self, bound, variable)

    def call(self, y_true, y_pred):
        explored = y_pred["explored"]
        advantage = self.rewards(y_true, explored) - self.rewards(y_true, y_pred)
        chosen = policies.log_probability(explored["policy"], explored["probabilities"])
        entropy = policies.entropy(ops.sigmoid(y_pred["router_logits"]))
        return self.entropy_weight * entropy - ops.stop_gradient(advantage) * chosen

    def rewards(self, labels, outputs):
        """Returns the reward of each image, `(batch,)`.

        Args:
            labels: Integers `(batch,)`.
            outputs: Mapping with the `logits` and the `route` that gave them.
        """
        labels = ops.reshape(ops.cast(labels, "int32"), (-1,))
        right = ops.cast(ops.argmax(outputs["logits"], axis=-1), "int32") == labels
        of_task = ops.where(right, self.right, self.wrong)
        of_architecture = self.architecture_rewards(self.cost.total(outputs["route"]))
        return ops.where(of_task > 0, of_task * of_architecture, of_task)

    def architecture_rewards(self, costs):
        """Returns R_A of costs: `-(z - U)(z - L) / gamma`, within 0 and 1."""
        upper, lower = ops.cast(self.upper, "float32"), ops.cast(self.lower, "float32")
        middle, half = (upper + lower) / 2, (upper - lower) / 2
        # The same parabola; gamma is the square of half the interval.
        return ops.clip(1.0 - ops.square((costs - middle) / half), 0.0, 1.0)

"""PolicyLoss: trains InstaNAS's router by policy gradients."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.families.instanas import policies
from tfdyn.losses.labels import class_indices
from tfdyn.losses.routers import dependence

# Sign of the entropy in the loss, by what the loss does with the entropy.
ENTROPY = {"minimised": 1.0, "maximised": -1.0, "authors": -1.0}


class PolicyLoss(keras.losses.Loss):
    """Policy gradient of a reward for right classes at low cost (InstaNAS eq. 1).

    The reward of an image is `R_T * R_A` (eq. 2). R_T is `right` if the class is right,
    else `wrong`. R_A depends on the cost of the route: it is a parabola that is 1 in
    the middle between the lower bound L and the upper bound U, and 0 at the bounds and
    beyond. If R_T is not positive, the reward is R_T alone.

    The loss of an image is `-advantage * log(p)`, where p is the probability of the
    policy that was drawn. The advantage is the reward of this policy minus the reward
    of the policy without exploration (self-critical baseline). An entropy of the
    router, times its weight, is added if it shall be minimised, else subtracted. The
    dependence of choices on images (`tfdyn.losses.routers`), times its weight, is
    subtracted; the paper does not have it.

    The paper contradicts itself: it minimises the entropy, "which improves exploration"
    (section 3.3). So `entropy` is one of three:

     - "minimised": the binary entropy of the router's probabilities p, over the
       modules, is lowered, as the words say: the policy becomes "more deterministic";
     - "maximised": the same entropy is raised, as in the paper's reference [18];
     - "authors": the sum of -p' log p' is raised, as in the authors' code, where p' are
       the probabilities of the exploration. At p = 0.5 its gradient is not 0: it
       drives the router towards fewer modules, as far as p' = 1/e.

    Args:
        cost: `RouteCost` of the network.
        right: Float above 0, R_T of an image that is classified right.
        wrong: Float, at most 0, R_T of an image that is classified wrong.
        entropy: String, "minimised", "maximised" or "authors".
        entropy_weight: Float, weight of the entropy.
        dependence_weight: Float, weight of the dependence.
        name: String, name of the loss.

    Call arguments:
        y_true: Integer tensor `(batch,)`, the labels.
        y_pred: Mapping, the outputs of an `InstaNAS` in the phase "router".

    Returns:
        Scalar, the mean over the batch.

    Attributes:
        upper: Scalar variable U, a cost of a whole route, in the unit of `cost`. A
            training changes it (dynamic reward, section 3.3).
        lower: Scalar variable L, likewise.

    Raises:
        UserError: If there is no such `entropy`, or all modules cost 0.
    """

    def __init__(
        self,
        cost,
        right=30.0,
        wrong=0.0,
        entropy="minimised",
        entropy_weight=0.8,
        dependence_weight=0.0,
        name="policy_loss",
    ):
        super().__init__(name=name)
        if entropy not in ENTROPY:
            raise UserError(
                f"entropy must be one of {', '.join(ENTROPY)}; got {entropy!r}."
            )
        if not cost.all_branches > 0:
            raise UserError(
                f"{cost.table_name}: the modules cost nothing at all, so that a search "
                f"cannot lower their cost. Use a table where they cost more than 0."
            )
        self.cost, self.right, self.wrong = cost, right, wrong
        self.entropy, self.entropy_weight = entropy, ENTROPY[entropy] * entropy_weight
        self.dependence_weight = dependence_weight
        bounds = {"upper": cost.fixed + cost.all_branches, "lower": cost.fixed}
        for bound, value in bounds.items():
            variable = keras.Variable(
                value, dtype="float32", trainable=False, name=f"{bound}_bound"
            )
            setattr(self, bound, variable)

    def call(self, y_true, y_pred):
        explored = y_pred["explored"]
        advantage = self.rewards(y_true, explored) - self.rewards(y_true, y_pred)
        log_probability = policies.log_probability(
            explored["policy"], explored["probabilities"]
        )
        policy_loss = -ops.stop_gradient(advantage) * log_probability
        losses = self.entropy_weight * self._entropy(y_pred) + policy_loss
        if self.dependence_weight:
            gain = dependence(y_pred["choice_probabilities"])
            losses -= self.dependence_weight * gain
        return losses

    def _entropy(self, y_pred):
        if self.entropy == "authors":
            return policies.one_sided_entropy(y_pred["explored"]["probabilities"])
        return policies.entropy(ops.sigmoid(y_pred["router_logits"]))

    def rewards(self, labels, outputs):
        """Returns the reward of each image (eq. 2).

        Args:
            labels: Integer tensor `(batch,)`.
            outputs: Mapping with the `logits` `(batch, num_classes)` and the `route`
                that they were computed with.

        Returns:
            Float32 tensor `(batch,)`.
        """
        labels = class_indices(labels, outputs["logits"].shape[-1])
        right = ops.cast(ops.argmax(outputs["logits"], axis=-1), "int32") == labels
        task_rewards = ops.where(right, self.right, self.wrong)
        rewards = self.architecture_rewards(self.cost.total(outputs["route"]))
        return ops.where(task_rewards > 0, task_rewards * rewards, task_rewards)

    def architecture_rewards(self, costs):
        """Returns the reward R_A of a cost z: `-(z - U)(z - L) / gamma`, at least 0.

        Args:
            costs: Tensor `(batch,)`, costs of whole routes, in the unit of `cost`.

        Returns:
            Float32 tensor `(batch,)`, from 0 to 1.
        """
        upper, lower = ops.cast(self.upper, "float32"), ops.cast(self.lower, "float32")
        middle, half = (upper + lower) / 2, (upper - lower) / 2
        # The same parabola in another form. gamma is the square of half the interval.
        return ops.clip(1.0 - ops.square((costs - middle) / half), 0.0, 1.0)

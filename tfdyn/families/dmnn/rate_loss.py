"""The loss of DMNN: cross-entropies, and a target for the share that runs."""

import keras
from keras import ops

from tfdyn.errors import UserError
from tfdyn.losses import global_batch
from tfdyn.losses.cross_entropy import cross_entropy
from tfdyn.losses.labels import class_indices
from tfdyn.losses.routers import router_terms
from tfdyn.routing import selection


def category_weights(stage_of_block: list[int]) -> list[float]:
    """Returns the weight of each router's category loss, alpha_l of eq. 10.

    It is 0.1 in the last stage, and in each stage before it a tenth of the weight in
    the next one. In the four stages of the paper's ResNets the weights are 0.0001,
    0.001, 0.01 and 0.1 (DMNN section 3.2). The paper gives no weights for other numbers
    of stages. They are counted from the last stage here, because the paper's reason for
    them is that deep layers know more about the meaning of an image.

    Args:
        stage_of_block: List of integers, the index of each block's stage.

    Returns:
        List of floats, one for each block.
    """
    last = max(stage_of_block)
    return [0.1 * 10.0 ** (stage - last) for stage in stage_of_block]


def check_cost(cost) -> None:
    """Checks that the sub-blocks of a `RouteCost` cost anything.

    Raises:
        UserError: If all cost 0.
    """
    if not cost.all_branches > 0:
        raise UserError(
            f"{cost.table_name}: the sub-blocks cost nothing at all, so that their "
            f"cost can have no target. Use a table where they cost more than 0."
        )


class RateLoss(keras.losses.Loss):
    """Cross-entropy, and a penalty for running more or less than a target (eq. 16).

    The loss is the sum of four terms:

     - the cross-entropy of the classes;
     - for each router, the cross-entropy of the categories, times its weight (eq. 10);
     - for each block, the squared difference between the share of its sub-blocks that
       run and the target (eq. 12);
     - the squared difference between the share of the sub-blocks' cost and the target
       (eq. 14).

    The shares are means over the global batch, that is over all replicas. Two terms of
    `tfdyn.losses.routers`, which the paper does not have, may be added.

    Args:
        cost: `RouteCost` of the network; `None` for a loss without the last two terms.
        target_rate: Float in (0, 1], initial value of the scalar variable
            `target_rate`, which a training may change: r of eq. 14 and e of eq. 12. The
            paper does not define whether r is a share of the cost of the whole network
            or of the sub-blocks. Here it is a share of the sub-blocks' cost. This is
            nearer to most of the paper's results: at r=0.7 its ResNets run 73 to 80 %
            of the whole cost (table 1).
        categories: List of integers, the index of each class's category. It is needed
            if the outputs have `category_logits`.
        category_weights: List of floats, the weight of each router's category loss.
        label_smoothing: Float in [0, 1), for the classes only.
        noise_free_rates: Boolean, whether the shares are those that run without noise.
            Their gradient is that of the probabilities (straight-through).
        rates_by_confidence: Boolean. If more runs than the target, the images that the
            network is sure of are pushed down; if less, the others are pushed up: the
            gradient of an image is multiplied by the probability of its label, or by 1
            minus it. In the paper all images are pushed alike.
        block_rate_weight: Float, the weight of the target of each block (eq. 12).
        belief_weight: Float, the weight of the loss of the routers' beliefs.
        dependence_weight: Float, the weight of the dependence of choices on images.
        name: String, name of the loss.

    Call arguments:
        y_true: Integer tensor `(batch,)`, the labels.
        y_pred: Mapping, the outputs of a `DMNN` in training.

    Returns:
        Scalar, the mean over the batch.

    Raises:
        UserError: If the target is out of its range or all sub-blocks cost 0; in a
            call, if the categories or their weights do not fit the outputs.
    """

    def __init__(
        self,
        cost=None,
        target_rate=0.7,
        categories=(),
        category_weights=(),
        label_smoothing=0.0,
        noise_free_rates=False,
        rates_by_confidence=False,
        block_rate_weight=1.0,
        belief_weight=0.1,
        dependence_weight=0.0,
        name="rate_loss",
    ):
        super().__init__(name=name)
        if not 0 < target_rate <= 1:
            raise UserError(
                f"target_rate must be above 0 and at most 1; got {target_rate}."
            )
        if cost is not None:
            check_cost(cost)
        self.cost = cost
        self.target_rate = keras.Variable(
            target_rate, dtype="float32", trainable=False, name="target_rate"
        )
        self.categories, self.category_weights = list(categories), category_weights
        self.label_smoothing = label_smoothing
        self.noise_free_rates = noise_free_rates
        self.rates_by_confidence = rates_by_confidence
        self.block_rate_weight = block_rate_weight
        self.belief_weight, self.dependence_weight = belief_weight, dependence_weight

    def call(self, y_true, y_pred):
        labels = class_indices(y_true, y_pred["logits"].shape[-1])
        losses = cross_entropy(labels, y_pred["logits"], self.label_smoothing)
        if "category_logits" in y_pred:
            losses += self._category_loss(labels, y_pred["category_logits"])
        if self.cost is not None:
            losses += self._resource_loss(y_pred, labels)
        if "choice_probabilities" in y_pred:
            weights = self.belief_weight, self.dependence_weight
            losses += router_terms(labels, y_pred, *weights)
        return losses

    def _category_loss(self, labels, logits):
        if len(self.category_weights) != logits.shape[1] or not self.categories:
            raise UserError(
                f"The {logits.shape[1]} routers with category heads need as many "
                f"category_weights, and categories with one index for each class; got "
                f"{len(self.category_weights)} category_weights and "
                f"{len(self.categories)} categories."
            )
        categories = ops.take(ops.convert_to_tensor(self.categories, "int32"), labels)
        categories = ops.broadcast_to(
            ops.expand_dims(categories, -1), ops.shape(logits)[:2]
        )
        weights = ops.convert_to_tensor(self.category_weights, "float32")
        return ops.sum(weights * cross_entropy(categories, logits), axis=-1)

    def _resource_loss(self, outputs, labels):
        route = self._without_noise(outputs) if self.noise_free_rates else None
        route = route or outputs["route"]
        share = self.cost.expected(route) / self.cost.all_branches
        rates = [ops.mean(route[name], axis=-1) for name in self.cost.branches]
        rates = ops.stack([*rates, share], axis=-1)
        down = up = rates
        if self.rates_by_confidence:
            scores = ops.softmax(ops.stop_gradient(outputs["logits"]))
            sure = ops.take_along_axis(scores, labels[:, None], axis=-1)
            down = selection.straight_through(sure * rates, ops.stop_gradient(rates))
            up = selection.straight_through(
                (1 - sure) * rates, ops.stop_gradient(rates)
            )
        target = ops.cast(self.target_rate, "float32")
        # Stacked, so that the replicas exchange their means only once.
        down, up = ops.unstack(global_batch.mean(ops.stack([down, up], axis=1)))
        squares = ops.square(ops.relu(down - target)) + ops.square(
            ops.relu(target - up)
        )
        return self.block_rate_weight * ops.sum(squares[:-1]) + squares[-1]

    def _without_noise(self, outputs):
        """Returns the route of the routers without noise."""
        off, on = ops.unstack(outputs["choice_probabilities"], axis=-1)
        runs = selection.straight_through(on, selection.threshold_gates(off, 0.5))
        names = list(self.cost.branches)
        return dict(zip(names, ops.split(runs, len(names), axis=-1), strict=True))

"""The loss of a wrapped model: its exits, its teacher, and the share that runs."""

import keras
from keras import ops

from tfdyn.losses import global_batch
from tfdyn.losses.cross_entropy import cross_entropy
from tfdyn.losses.labels import class_indices


class WrappedLoss(keras.losses.Loss):
    """Trains exits to be right, and routers to skip a share of the blocks.

    The loss of an image is the sum of:

     - the cross-entropy of the network's end, and the mean of the exits'. A part of the
       labels is replaced by the original's probabilities (distillation, Hinton et al.,
       2015);
     - with routers, the squared difference between the share of the blocks' cost that
       runs, a mean over the global batch, and the target (DMNN eq. 14), times
       `rate_weight`.

    Args:
        distil: Float in [0, 1], the part of the labels that the original teaches.
        label_smoothing: Float in [0, 1), for the labels of the classes.
        costs: Mapping from the names of MixedOps with routers to the costs of their
            branches, an array `(branches,)`; `None` without routers.
        target_rate: Float in (0, 1], initial value of the scalar variable
            `target_rate`, which a training may change.
        rate_weight: Float, weight of the second term. DMNN has 1, LAUDNet and dynconv
            have 10.
        name: String, name of the loss.

    Call arguments:
        y_true: Integer tensor `(batch,)`, the labels.
        y_pred: Mapping, the outputs of a `Wrapped` in training.

    Returns:
        Scalar, the mean over the batch.
    """

    def __init__(
        self,
        distil=0.5,
        label_smoothing=0.0,
        costs=None,
        target_rate=0.7,
        rate_weight=10.0,
        name="wrapped_loss",
    ):
        super().__init__(name=name)
        self.distil, self.label_smoothing, self.costs = distil, label_smoothing, costs
        self.rate_weight = rate_weight
        self.target_rate = keras.Variable(
            target_rate, dtype="float32", trainable=False, name="target_rate"
        )

    def call(self, y_true, y_pred):
        # In inference there are no exits' logits.
        logits = y_pred.get("exit_logits", y_pred["logits"][:, None])
        labels = class_indices(y_true, logits.shape[-1])
        repeated = ops.broadcast_to(labels[:, None], ops.shape(logits)[:2])
        losses = cross_entropy(repeated, logits, self.label_smoothing)
        if self.distil:
            teacher = y_pred.get("teacher_logits", logits[:, -1])
            teacher = ops.softmax(ops.stop_gradient(teacher))[:, None]
            taught = -ops.sum(teacher * ops.log_softmax(logits), axis=-1)
            losses = (1 - self.distil) * losses + self.distil * taught
        total = losses[:, -1]
        if logits.shape[1] > 1:
            total = total + ops.mean(losses[:, :-1], axis=-1)
        if self.costs and "gates" in y_pred:
            total = total + self.rate_weight * self._rate_loss(y_pred["gates"])
        return total

    def _rate_loss(self, gates):
        run = sum(ops.sum(gates[name] * cost, -1) for name, cost in self.costs.items())
        share = global_batch.mean(run) / sum(cost.sum() for cost in self.costs.values())
        return ops.square(share - ops.cast(self.target_rate, "float32"))

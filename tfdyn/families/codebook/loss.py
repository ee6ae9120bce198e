"""The loss of a codebook: all its routes, and what its routers predict."""

import keras
from keras import ops

from tfdyn.losses.cross_entropy import cross_entropy
from tfdyn.losses.labels import class_indices
from tfdyn.losses.routers import router_terms


class CodebookLoss(keras.losses.Loss):
    """Trains every route to be right, and the routers to know which routes are.

    The loss of an image is the sum of:

     - half the cross-entropy of the last route, and half the mean of the others'. A
       part of theirs is replaced by the cross-entropy with what the last route says: it
       teaches them, as in slimmable networks (Yu and Huang, 2019);
     - at each fork, the mean over its routes of the binary cross-entropy of the
       router's prediction with what is so: is the route's answer right?
     - the cross-entropy of the beliefs, times its weight.

    Args:
        forks: List of tuples, the routes of each fork.
        label_smoothing: Float in [0, 1), for the labels of the classes.
        distillation: Float in [0, 1], the part that the last route teaches.
        belief_weight: Float, the weight of the beliefs.
        name: String, name of the loss.

    Call arguments:
        y_true: Integer tensor `(batch,)`, the labels.
        y_pred: Mapping, the outputs of a `Codebook` in training.

    Returns:
        Scalar, the mean over the batch.
    """

    def __init__(
        self,
        forks,
        label_smoothing=0.0,
        distillation=0.5,
        belief_weight=0.1,
        name="codebook_loss",
    ):
        super().__init__(name=name)
        self.forks = [list(members) for members in forks]
        self.label_smoothing, self.distillation = label_smoothing, distillation
        self.belief_weight = belief_weight

    def call(self, y_true, y_pred):
        logits = y_pred["route_logits"]
        labels = class_indices(y_true, logits.shape[-1])
        others, last = self._of_routes(labels, logits)
        losses = last if others is None else (others + last) / 2
        right = ops.cast(ops.argmax(logits, axis=-1), "int32") == labels[:, None]
        right = ops.cast(right, "float32")
        for index, members in enumerate(self.forks):
            scores = ops.take(y_pred["choice_logits"][:, index], members, axis=-1)
            target = ops.take(right, members, axis=-1)
            losses += keras.losses.binary_crossentropy(target, scores, from_logits=True)
        return losses + router_terms(labels, y_pred, self.belief_weight, 0.0)

    def _of_routes(self, labels, logits):
        """Returns the mean loss of all routes but the last, and that of the last.

        The first is `None` if there is one route only.
        """
        repeated = ops.broadcast_to(labels[:, None], ops.shape(logits)[:2])
        losses = cross_entropy(repeated, logits, self.label_smoothing)
        if logits.shape[1] == 1:
            return None, losses[:, 0]
        teacher = ops.softmax(ops.stop_gradient(logits[:, -1:]))
        taught = -ops.sum(teacher * ops.log_softmax(logits[:, :-1]), axis=-1)
        share = self.distillation
        others = (1 - share) * losses[:, :-1] + share * taught
        return ops.mean(others, axis=-1), losses[:, -1]

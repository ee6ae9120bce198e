"""RateControl: moves biases until a target share of the images opens each gate."""

import keras
import numpy as np
from keras import ops

from tfdyn.families.dmnn.rate_loss import check_cost
from tfdyn.losses import global_batch
from tfdyn.routing import selection


@keras.saving.register_keras_serializable("tfdyn")
class RateControl(keras.layers.Layer):
    """Holds the rate of gates by biases that are moved, not learnt.

    The rate of a gate is the share of the images that open it, at T=0.5 and without
    noise. In each training step the bias of a gate goes up by `step` if the rate in the
    global batch is below the target, and down if it is above. So the loss need not hold
    the rate. Wang et al. (2024, "Auxiliary-loss-free load balancing") balance experts
    in this way. The other weights of a router must not move the rate too, see
    `hold_mean`.

    The scalar variable `target_rate`, 1 at first, is the target; a training may change
    it.

    Args:
        step: Float above 0, by which a bias moves in a training step.

    Attributes:
        shares: Float32 array `(gates,)`, the share of each gate in the cost of all, or
            `None`. With shares, the target is one for the whole network: the mean of
            the rates, weighted by the shares. All biases then move alike.
    """

    def __init__(self, step, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.step, self.shares = step, None

    def build(self, input_shape=None):
        self.target_rate = self.add_weight(
            (), "ones", dtype="float32", trainable=False, name="target_rate"
        )

    def hold_cost(self, cost) -> None:
        """Makes the target one for the whole network: a share of the gates' cost.

        Args:
            cost: `RouteCost` of the network.

        Raises:
            UserError: If all sub-blocks cost 0.
        """
        check_cost(cost)
        costs = np.concatenate(list(cost.branches.values()))
        self.shares = (costs / cost.all_branches).astype("float32")

    def move(self, routers: list, probabilities) -> None:
        """Moves the biases of all gates by a step, in a training step.

        Args:
            routers: List of the `GateRouter`s with a `bias`.
            probabilities: Tensor `(batch, gates, 2)` of the probabilities not to run,
                and to run, without noise. The gates are those of all routers in order.
        """
        gates = selection.threshold_gates(probabilities[..., 0], 0.5)
        rates = global_batch.mean(ops.stop_gradient(gates))
        excess = rates - ops.convert_to_tensor(self.target_rate)
        if self.shares is not None:
            excess = ops.sum(self.shares * excess) * ops.ones_like(rates)
        self.add(routers, -self.step * ops.sign(excess))

    def add(self, routers: list, changes) -> None:
        """Adds changes `(gates,)` to the biases of the routers' gates."""
        parts = ops.split(changes, len(routers))
        for router, part in zip(routers, parts, strict=True):
            router.bias.assign(router.bias + part)

    def get_config(self):
        config = super().get_config()
        config.pop("dtype")
        return {**config, "step": self.step}


def hold_mean(logits):
    """Returns the same logits, whose gradient does not reach their mean over images.

    What runs more is more accurate, so the gradient of every image opens gates, and a
    bias can hardly keep up with the sum. Without it, a router learns only for which
    images to open a gate, and the bias alone says for how many.

    Args:
        logits: Tensor `(batch, ...)`, the part of this replica of the global batch.
    """
    mean = global_batch.mean(logits)
    return logits - mean + ops.stop_gradient(mean)

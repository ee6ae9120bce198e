"""Gates: what the routers of a wrapped model decide, block by block."""

import numpy as np
from keras import ops

from tfdyn.families.wrapped.chain import mixed_ops_of
from tfdyn.families.wrapped.residual import Residual


class Gates:
    """Asks the routers during one pass over the chain.

    Args:
        model: `Wrapped`.
        training: Whether routers decide as in training.

    Attributes:
        logits: List of the logits of the routers so far, tensors `(batch, branches,
            2)`.
    """

    def __init__(self, model, training=False):
        self.model, self.training = model, training
        self.logits, self._state, self._for_all = [], None, None

    def __call__(self, link, features, thresholds) -> dict:
        """Returns the weights of the MixedOps of a link.

        Args:
            link: Link of the chain.
            features: Feature map in front of it.
            thresholds: T of its MixedOps, a tensor `(n,)`; more may follow.

        Returns:
            Dict from the names of the MixedOps to weights `(batch, branches)`; 1 for
            those without a router.
        """
        batch = ops.shape(features)[0]
        weights = {
            op.name: ops.ones((batch, len(op.branches))) for op in mixed_ops_of(link)
        }
        if isinstance(link, Residual) and self.model.routers:
            threshold = thresholds[len(weights) - 1]
            name = link.mixed_op.name
            weights[name] = self._of_block(link, features, threshold)
        return weights

    def _of_block(self, link, features, threshold):
        router = self.model.routers.get(link.name)
        if router:
            inputs = [features, self._state] if router.previous_state else features
            logits, self._state = router(inputs, training=self.training)
            self.logits.append(logits)
        if self.model.arguments["routers"] == "image":
            if self._for_all is None:
                self._for_all = self._split(logits)
            logits = self._for_all.pop(0)
        return self.model.selection(logits, threshold, training=self.training)

    def _split(self, logits):
        """Returns the logits of each block, of those for all blocks."""
        blocks = self.model.residual_blocks
        ends = np.cumsum([len(block.mixed_op.branches) for block in blocks])[:-1]
        return ops.split(logits, ends.tolist(), axis=1) if len(blocks) > 1 else [logits]

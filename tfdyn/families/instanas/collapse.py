"""Collapse: warns when a search selects the same modules for all images."""

from typing import TextIO

import keras

# A search has collapsed if at least this share of pairs of images has one architecture.
COLLAPSED = 0.99


class Collapse(keras.callbacks.Callback):
    """Warns that the search has collapsed, and names the settings that prevent it.

    It warns once, and again if the search recovers and collapses once more.

    Args:
        output: Text stream that the warning is written to.
    """

    def __init__(self, output: TextIO):
        super().__init__()
        self.output, self._collapsed = output, False

    def on_epoch_end(self, epoch, logs=None):
        same = (logs or {}).get("same_architecture")
        # In an epoch of the router, the router changes while the metric is averaged.
        if self.params["stage"] != "meta_graph" or same is None:
            return
        if same < COLLAPSED:
            self._collapsed = False
        elif not self._collapsed:
            self._collapsed = True
            self.output.write(
                f"collapsed: {same:.1%} of pairs of images have the same architecture. "
                f"To prevent it, explore more (a lower --alpha or --entropy_weight, "
                f"--entropy=maximised, a lower --router_learning_rate), let the upper "
                f"bound fall more slowly (more --joint_epochs) or less far (a higher "
                f"--upper_bound_end), or start from a better meta-graph (more "
                f"--pretrain_epochs)\n"
            )

"""Collapse: a word when a search gives all images one architecture."""

import keras

# Share of pairs of images that run the same.
COLLAPSED = 0.99


class Collapse(keras.callbacks.Callback):
    """Reports a policy that has collapsed, with the settings that prevent it.

    Once, and again if it recovers and collapses anew.

    Args:
        output: Where to write.
    """

    def __init__(self, output):
        super().__init__()
        self.output, self._since = output, None

    def on_epoch_end(self, epoch, logs=None):
        same = (logs or {}).get("same_architecture")
        if self.params["stage"] != "router" or same is None:
            return
        if same < COLLAPSED:
            self._since = None
        elif self._since is None:
            self._since = epoch
            self.output.write(
                f"collapsed: {same:.1%} of pairs of images have one architecture. To "
                f"prevent it, explore more (a lower --alpha, --entropy=maximised, a "
                f"lower --router_learning_rate), let the bound fall less fast (more "
                f"--joint_epochs) or less far (a higher --upper_bound_end), or start "
                f"from a better meta-graph (more --pretrain_epochs)\n"
            )

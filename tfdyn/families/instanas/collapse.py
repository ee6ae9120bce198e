"""Collapse: a word when a search gives all images one architecture."""

import keras

# Share of pairs of images that run the same.
COLLAPSED = 0.99


class Collapse(keras.callbacks.Callback):
    """Reports a policy that has collapsed, with the settings that prevent it.

    In the turn of the meta-graph, when the router stands still; once, and again if it
    recovers and collapses anew.

    Args:
        output: Where to write.
    """

    def __init__(self, output):
        super().__init__()
        self.output, self._since = output, None

    def on_epoch_end(self, epoch, logs=None):
        same = (logs or {}).get("same_architecture")
        # In the turn of the router the mean is of all that it was.
        if self.params["stage"] != "meta_graph" or same is None:
            return
        if same < COLLAPSED:
            self._since = None
        elif self._since is None:
            self._since = epoch
            self.output.write(
                f"collapsed: {same:.1%} of pairs of images have one architecture. To "
                f"prevent it, explore more (a lower --alpha or --entropy_weight, "
                f"--entropy=maximised, a lower --router_learning_rate), let the bound "
                f"fall less fast (more --joint_epochs) or less far (a higher "
                f"--upper_bound_end), or start from a better meta-graph (more "
                f"--pretrain_epochs)\n"
            )

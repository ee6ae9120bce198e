"""NetworkSettings: the settings of a network that all families share."""

import dataclasses

from tfdyn.errors import UserError
from tfdyn.routing.threshold import check_threshold
from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Which network, how its branches are selected, and how much of it runs."""

    network: str = setting(
        "drnet_s", "Name of the network and its size, as `tfdyn.networks()` lists them."
    )
    selection: str = setting(
        "gumbel_softmax",
        "DRNet and DMNN: how routers weigh branches in training. gumbel_softmax: with "
        "noise. softmax: without noise. none: no routers, equal weights.",
        choices=("gumbel_softmax", "softmax", "none"),
    )
    threshold: tuple = setting(
        (0.8,),
        "T, from above 0 to 1: how much of the network runs. T=1 runs all branches. "
        "DRNet: a branch runs if the weights greater than its own sum to less than T. "
        "DMNN and InstaNAS: a branch runs if its probability of not running is less "
        "than T. One number, or one for each connection, block or cell.",
    )

    def __post_init__(self):
        threshold = self.threshold
        if isinstance(threshold, (int, float)):
            threshold = (threshold,)
        try:
            numbers = check_threshold(list(threshold))
        except UserError as error:
            raise UserError(f"--threshold: {error}") from error
        object.__setattr__(self, "threshold", tuple(numbers))

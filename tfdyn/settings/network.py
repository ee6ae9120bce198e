"""NetworkSettings: which network, and what differs from its size's table."""

import dataclasses

from tfdyn.routing.threshold import check_threshold
from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Settings of the network; `None` is the value of its size's table."""

    network: str = setting(
        "drnet_s", "Network and size, one of tfdyn.families.networks.NETWORKS."
    )
    num_cells: int | None = setting(None, "L, cells.")
    filters: int | None = setting(None, "C, channels of the first cell.")
    num_nodes: int | None = setting(None, "N, nodes of a cell beside its inputs.")
    inputs_per_node: int | None = setting(None, "n, connections into a node.")
    branches: tuple | None = setting(None, "Candidate branches of a connection.")
    topology_seed: int | None = setting(None, "Seed of the cell's connections.")
    selection: str = setting(
        "gumbel_softmax",
        "How branches are weighed in training, softmax: without noise; none: no "
        "routers, equal weights.",
        choices=("gumbel_softmax", "softmax", "none"),
    )
    threshold: tuple = setting(
        (0.8,),
        "T: a branch of DRNet runs when the weights above its own sum to less, a "
        "sub-block of DMNN or a module of InstaNAS when its probability of not running "
        "is less. One number, or one a connection (block, cell).",
    )
    previous_state: bool = setting(
        True, "DMNN: routers see the state of the one before."
    )
    normalized_routers: bool = setting(
        False,
        "DMNN: routers have batch normalisation, which the paper's have not.",
    )
    categories: str = setting(
        "none",
        "DMNN: categories that routers learn in training: none, cifar10, cifar100 "
        "(superclasses), or a JSON file, {CATEGORY: [CLASS, ...]}.",
    )

    router: str = setting(
        "large_kernels",
        "InstaNAS: form of the router, the paper's or (residual) its authors' code's.",
        choices=("large_kernels", "residual"),
    )

    def __post_init__(self):
        threshold = self.threshold
        if isinstance(threshold, (int, float)):
            threshold = (threshold,)
        try:
            numbers = check_threshold(list(threshold))
        except ValueError as error:
            raise ValueError(f"--threshold: {error}") from error
        object.__setattr__(self, "threshold", tuple(numbers))

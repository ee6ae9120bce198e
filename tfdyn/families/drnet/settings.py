"""DRNetSettings: the settings that only DRNet and ISBNet have."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class DRNetSettings:
    """Settings of the cells, the temperature and the price (DRNet sections 3.3, 4.1).

    Where the default is `None`, the network's size decides.
    """

    num_cells: int | None = setting(None, "DRNet: L, number of cells.")
    filters: int | None = setting(None, "DRNet: C, channels of the first cell.")
    num_nodes: int | None = setting(
        None, "DRNet: N, nodes of a cell, without its two inputs."
    )
    inputs_per_node: int | None = setting(
        None, "DRNet: n, connections that end in a node."
    )
    branches: tuple | None = setting(
        None, "DRNet: names of the candidate branches of a connection."
    )
    topology_seed: int | None = setting(
        None, "DRNet: seed of the connections of a cell."
    )
    auxiliary_weight: float = setting(
        0.4,
        "DRNet: weight of the auxiliary head's loss. 0: no auxiliary head.",
        within="at least 0",
    )
    pretrain_temperature: float = setting(
        3.0, "DRNet: temperature of stage 1.", within="above 0"
    )
    finetune_temperature_start: float = setting(
        1.0, "DRNet: temperature in the first epoch of stage 2.", within="above 0"
    )
    finetune_temperature_end: float = setting(
        0.5, "DRNet: temperature in the last epoch of stage 2.", within="above 0"
    )
    temperature_schedule: str = setting(
        "exponential",
        "DRNet: how the temperature falls in stage 2.",
        choices=("exponential", "linear", "cosine"),
    )
    temperature_decay: float | None = setting(
        None,
        "DRNet: the exponential schedule multiplies the temperature by exp(-this "
        "number) after each epoch (0.0006 in the paper). Default: the number with "
        "which the last epoch has the last temperature.",
        within="at least 0",
    )
    drop_connection: float = setting(
        0.1,
        "DRNet: share of connections that are dropped at random at the end of a stage. "
        "It rises from 0.",
        within="at least 0 and below 1",
    )
    finetune_drop_branch: float | None = setting(
        None,
        "DRNet: --drop_branch for stage 2 alone (default: as --drop_branch).",
        within="at least 0 and below 1",
    )
    cost_weight: float = setting(
        0.1,
        "DRNet: lambda, the weight of the expected cost in the loss of stage 2. Costs "
        "are relative, so that the unit does not matter.",
        within="at least 0",
    )
    cost_form: str = setting(
        "log",
        "DRNet: form of the cost in the loss. log: logarithm of the cost (DRNet eq. "
        "8); half the cost lowers the loss by 0.69 lambda. share: cost as a share of "
        "all branches' (ISBNet eq. 5); one per cent less lowers it by 0.01 lambda.",
        choices=("log", "share"),
    )

"""DRNetSettings: the settings that only DRNet and ISBNet have."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class DRNetSettings:
    """Settings of the cells, the temperature and the cost (DRNet sections 3.3, 4.1)."""

    num_cells: int | None = setting(
        None,
        "DRNet: L, number of cells (default: the network's).",
        within="from 1 to 200",
    )
    filters: int | None = setting(
        None,
        "DRNet: C, channels of a node (default: the network's). Cells L//3 and 2L//3, "
        "counted from 0, double them.",
        within="from 1 to 4096",
    )
    num_nodes: int | None = setting(
        None,
        "DRNet: N, nodes of a cell, without its inputs (default: the network's).",
        within="from 1 to 32",
    )
    inputs_per_node: int | None = setting(
        None,
        "DRNet: n, connections that end in a node (default: the network's).",
        within="from 1 to 33",
    )
    branches: tuple | None = setting(
        None, "DRNet: candidate branches of a connection (default: the network's)."
    )
    topology_seed: int | None = setting(
        None,
        "DRNet: seed of the connections in a cell (default: the network's).",
        within="from 0 to 4294967295",
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
        "number) after each epoch (0.0006 in the paper). Default: the number that "
        "leads to --finetune_temperature_end in the last epoch.",
        within="at least 0",
    )
    router_learning_rate_factor: float = setting(
        1.0,
        "DRNet: the learning rate of the routers is the stage's times this number.",
        within="at least 0",
    )
    drop_connection: float = setting(
        0.1,
        "DRNet: share of connections that are dropped at random. --drop_schedule says "
        "when.",
        within="at least 0 and below 1",
    )
    drop_schedule: str = setting(
        "ramp",
        "DRNet: how the shares of dropped connections and branches rise. ramp: in each "
        "stage, from 0 in its first epoch to the whole share in its last. "
        "ramp_over_both: the same over both stages, as if they were one. constant: not "
        "at all; they are whole from the first epoch on.",
        choices=("ramp", "ramp_over_both", "constant"),
    )
    finetune_drop_branch: float | None = setting(
        None,
        "DRNet: --drop_branch for stage 2 alone (default: as --drop_branch).",
        within="at least 0 and below 1",
    )
    cost_weight: float = setting(
        0.1,
        "DRNet: lambda, the weight of the expected cost in the loss of stage 2. The "
        "unit of the cost does not matter.",
        within="at least 0",
    )
    cost_form: str = setting(
        "log",
        "DRNet: form of the cost in the loss. log: logarithm of the cost (DRNet eq. "
        "8); half the cost lowers the loss by 0.69 lambda. share: cost divided by that "
        "of all branches (ISBNet eq. 5); 0.01 less lowers the loss by 0.01 lambda.",
        choices=("log", "share"),
    )

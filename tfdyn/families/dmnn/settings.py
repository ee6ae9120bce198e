"""DMNNSettings: the settings that only DMNN has."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class DMNNSettings:
    """Settings of the routers and of the target rate (DMNN sections 3.2 and 3.3)."""

    sub_blocks: int | None = setting(
        None,
        "DMNN: N, the number of sub-blocks of each block (default: the network's). "
        "Their widths follow, so that a block has about as many parameters with any N. "
        "1: each block runs whole or not at all, as in ConvNet-AIG.",
        within="from 1 to 16",
    )
    previous_state: bool = setting(
        True, "DMNN: each router reads the state of the router before it."
    )
    categories: str = setting(
        "none",
        "DMNN: coarse categories that the routers learn to classify in training. none, "
        "cifar10, cifar100 (superclasses), imagenet (58), or a JSON file {CATEGORY: "
        "[CLASS, ...]}.",
    )
    target_rate: float = setting(
        0.7,
        "DMNN: r, the target of stage 2, both for the share of the sub-blocks that run "
        "(eq. 12) and for the share of their cost (eq. 14).",
        within="above 0 and at most 1",
    )
    target_rate_start: float | None = setting(
        None,
        "DMNN: target rate in the first epoch of stage 2. It falls to --target_rate in "
        "the first half of the stage (default: --target_rate from the start). In stage "
        "1 the target rate is 1.",
        within="above 0 and at most 1",
    )
    noise_free_rates: bool = setting(
        False,
        "DMNN: the share that runs (eqs. 12 and 14) is counted as inference runs it, "
        "without noise. In the paper noise alone can meet the target.",
    )
    rates_by_confidence: bool = setting(
        False,
        "DMNN: if more runs than the target rate, the images that the network is sure "
        "of are pushed to run less; if less, the others to run more. In the paper all "
        "images are pushed alike.",
    )
    block_rate_weight: float = setting(
        1.0,
        "DMNN: weight of the target of each block (eq. 12). 0: only the whole network "
        "has a target (eq. 14), so blocks may run in different shares.",
        within="at least 0",
    )
    rate_bias: float = setting(
        0.0,
        "DMNN: above 0, no loss holds the target rate. Each gate has a bias that is "
        "not learnt: after each training step it moves by this number, so that the "
        "gate opens, without noise, for the target share of the images; with "
        "--block_rate_weight=0, so that the whole network has the rate. After the "
        "training the biases are fitted on the validation images. Try 0.05. Not in the "
        "paper.",
        within="from 0 to 1",
    )

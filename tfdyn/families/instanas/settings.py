"""InstaNASSettings: the settings that only InstaNAS has."""

import dataclasses

from tfdyn.errors import UserError
from tfdyn.settings.fields import setting

# The models that a search keeps, from the most expensive to the cheapest.
OPERATING_POINTS = ("A", "B", "C", "D", "E")


@dataclasses.dataclass(frozen=True, kw_only=True)
class InstaNASSettings:
    """Settings of the router and of the search (InstaNAS section 3.3)."""

    router: str = setting(
        "large_kernels",
        "InstaNAS: form of the router. large_kernels: the paper's. residual: that of "
        "the authors' code.",
        choices=("large_kernels", "residual"),
    )
    joint_epochs: int = setting(
        0,
        "InstaNAS: epochs of the joint stage, the search, between stages 1 and 2. The "
        "router and the meta-graph train in turn, an epoch each: a turn of both is two "
        "epochs.",
    )
    router_learning_rate: float = setting(
        5e-4,
        "InstaNAS: learning rate of the router in the joint stage (Adam).",
        within="at least 0",
    )
    meta_graph_learning_rate: float = setting(
        0.01,
        "InstaNAS: initial learning rate of the meta-graph in the joint stage (SGD).",
        within="at least 0",
    )
    meta_graph_schedule: str = setting(
        "constant",
        "InstaNAS: how the meta-graph's learning rate falls in the joint stage. "
        "constant: not at all (the authors' code). cosine: to zero.",
        choices=("constant", "cosine"),
    )
    meta_graph_momentum: float = setting(
        0.0,
        "InstaNAS: momentum of the meta-graph in the joint stage, of Nesterov's form "
        "with --nesterov. 0: plain SGD (the authors' code).",
        within="at least 0 and below 1",
    )
    meta_graph_weight_decay: float = setting(
        0.0,
        "InstaNAS: L2 decay of the meta-graph in the joint stage. 0: none (the "
        "authors' code).",
        within="at least 0",
    )
    alpha: float = setting(
        0.8,
        "InstaNAS: encouragement parameter of the exploration. 0.5: each module is "
        "drawn with probability 0.5. 1: with the router's probability.",
        within="from 0.5 to 1",
    )
    reward_right: float = setting(
        30.0,
        "InstaNAS: R_T, the reward of an image that is classified right. It is "
        "multiplied by R_A, from 0 to 1, which depends on the cost.",
        within="above 0",
    )
    reward_wrong: float = setting(
        0.0,
        "InstaNAS: R_T, the reward of an image that is classified wrong.",
        within="at most 0",
    )
    entropy: str = setting(
        "minimised",
        "InstaNAS: what the loss of the search does with an entropy of the router. "
        "minimised: lowers the entropy of its probabilities p, as the paper says. "
        "maximised: raises the same entropy. authors: raises the sum of -p' log p' of "
        "the probabilities p' of the exploration, as in the authors' code; it is "
        "highest at p' = 0.37, where few modules run.",
        choices=("minimised", "maximised", "authors"),
    )
    entropy_weight: float = setting(
        0.8, "InstaNAS: weight of the entropy in the loss.", within="at least 0"
    )
    upper_bound_start: float = setting(
        0.7,
        "InstaNAS: upper bound on the cost in the reward at the start of the joint "
        "stage, as a share of the cost of all modules.",
        within="above 0",
    )
    upper_bound_end: float = setting(
        0.5,
        "InstaNAS: upper bound on the cost in the reward at the end of the joint "
        "stage, as a share of the cost of the modules of MobileNetV2.",
        within="above 0",
    )
    lower_bound: str = setting(
        "cheapest",
        "InstaNAS: lower bound on the cost in the reward. cheapest: the cost of the "
        "cheapest possible route. fallback: the cost when no module is selected (as in "
        "the authors' code).",
        choices=("cheapest", "fallback"),
    )
    operating_point: str = setting(
        "C",
        "InstaNAS: one of the models that the search keeps, from A (the most "
        "expensive) to E (the cheapest). Training: stage 2 uses the router of this "
        "model. Export: this model is exported, not that of the end of the training.",
        choices=OPERATING_POINTS,
    )
    retrain: bool = setting(
        True,
        "InstaNAS: stage 2 trains the meta-graph from scratch, with Adam, whose "
        "learning rate falls from --finetune_learning_rate to zero by a cosine (the "
        "paper). It does not read --learning_rate_schedule, --learning_rate_decay, "
        "--learning_rate_steps, --momentum, --nesterov, --weight_decay and "
        "--gradient_clip: those are settings of stage 1 then. With --noretrain stage 2 "
        "continues the meta-graph of the search, with SGD and all of them (the "
        "authors' code).",
    )

    def __post_init__(self):
        fewest = 2 * len(OPERATING_POINTS)
        enough = self.joint_epochs == 0 or self.joint_epochs >= fewest
        if self.joint_epochs % 2 or not enough:
            raise UserError(
                f"--joint_epochs must be 0 or an even number of at least {fewest}: the "
                f"router and the meta-graph take turns, and {len(OPERATING_POINTS)} "
                f"operating points are kept. Got {self.joint_epochs}."
            )

"""SearchSettings: how InstaNAS searches an architecture for every image."""

import dataclasses

from tfdyn.settings.fields import setting

OPERATING_POINTS = ("A", "B", "C", "D", "E")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Settings of the search (InstaNAS section 3.3); other families have none."""

    joint_epochs: int = setting(
        0,
        "InstaNAS: epochs of the joint stage, between stages 1 and 2, in turn of the "
        "router and of the meta-graph.",
    )
    router_learning_rate: float = setting(5e-4, "InstaNAS: rate of the router, Adam.")
    meta_graph_learning_rate: float = setting(
        0.01, "InstaNAS: rate of the meta-graph in the joint stage, SGD."
    )
    alpha: float = setting(
        0.8,
        "InstaNAS: encouragement parameter of the exploration, from 0.5 (all at "
        "random) to 1 (the router's own probabilities).",
    )
    reward_right: float = setting(30.0, "InstaNAS: R_T where the class is right.")
    reward_wrong: float = setting(0.0, "InstaNAS: R_T where it is wrong; at most 0.")
    entropy: str = setting(
        "minimised",
        "InstaNAS: what becomes of the router's entropy: minimised, as the paper says, "
        "or maximised, as its authors' code does, which keeps it exploring.",
        choices=("minimised", "maximised"),
    )
    entropy_weight: float = setting(0.8, "InstaNAS: weight of the entropy term.")
    upper_bound_start: float = setting(
        0.7, "InstaNAS: first U_t, a share of the cost of all modules."
    )
    upper_bound_end: float = setting(
        0.5, "InstaNAS: last U_t, a share of the cost of MobileNetV2's own modules."
    )
    lower_bound: str = setting(
        "cheapest",
        "InstaNAS: L_t; cheapest: of the routes; fallback: of that where nothing is "
        "selected (the code).",
        choices=("cheapest", "fallback"),
    )
    operating_point: str = setting(
        "C",
        "InstaNAS: of the search's operating points, from the dearest, A, to the "
        "cheapest, E, the one whose router stage 2 trains under; or, when a run is "
        "exported, the one to export in place of the end of its training.",
        choices=OPERATING_POINTS,
    )
    retrain: bool = setting(
        True,
        "InstaNAS, stage 2: train the meta-graph from scratch, by Adam (the paper); "
        "else go on with it, by SGD (its authors' code).",
    )

    def __post_init__(self):
        for name, good, expected in (
            ("alpha", 0.5 <= self.alpha <= 1, "from 0.5 to 1"),
            ("reward_right", self.reward_right > 0, "above 0"),
            ("reward_wrong", self.reward_wrong <= 0, "at most 0"),
            ("upper_bound_start", 0 < self.upper_bound_start, "above 0"),
            ("upper_bound_end", 0 < self.upper_bound_end, "above 0"),
            ("entropy_weight", self.entropy_weight >= 0, "at least 0"),
            ("router_learning_rate", self.router_learning_rate >= 0, "at least 0"),
            (
                "meta_graph_learning_rate",
                self.meta_graph_learning_rate >= 0,
                "at least 0",
            ),
        ):
            if not good:
                value = getattr(self, name)
                raise ValueError(f"--{name} must be {expected}; got {value}.")
        least = 2 * len(OPERATING_POINTS)
        enough = self.joint_epochs == 0 or self.joint_epochs >= least
        if self.joint_epochs % 2 or not enough:
            raise ValueError(
                f"--joint_epochs must be 0 or an even number of at least {least}: the "
                f"router and the meta-graph take turns, and {len(OPERATING_POINTS)} "
                f"operating points are kept. Got {self.joint_epochs}."
            )

"""Form: what an exported graph takes and does."""

import dataclasses

from tfdyn.errors import UserError

VARIANTS = ("routed", "all_branches", "fixed", "forced")


@dataclasses.dataclass(frozen=True)
class Form:
    """What an exported graph takes and does.

    Attributes:
        variant: "routed" (each branch gated by the image's route), "all_branches" (no
            gates), "fixed" (the branches of one route, no gates) or "forced" (gated by
            a route that is an input; where `RoutedModel.binary`, any weight but 0 is
            taken for 1).
        threshold: T in (0, 1], a number or a list with one a MixedOp.
        threshold_input: Whether T is an input instead, a scalar.
        preprocess: Whether images come as uint8; else as float32, normalised.
        ungated: Names of the branches (`tfdyn.layers.modules.Module`) that run for
            every image, where a gate would cost more than it saves.
    """

    variant: str = "routed"
    threshold: float | list = 1.0
    threshold_input: bool = False
    preprocess: bool = True
    ungated: tuple = ()

    def __post_init__(self):
        if self.variant not in VARIANTS:
            raise UserError(
                f"A variant is one of {', '.join(VARIANTS)}; got {self.variant!r}."
            )
        if self.threshold_input and self.variant != "routed":
            raise UserError(
                f"A threshold as input is for the routed variant: {self.variant} "
                f"has no use for it."
            )
        if self.ungated and self.variant != "routed":
            raise UserError(
                f"To leave out gates is for the routed variant; got {self.variant}."
            )

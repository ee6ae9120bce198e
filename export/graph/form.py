"""Form: what an exported graph takes and does."""

import dataclasses

import numpy as np

from tfdyn.errors import UserError

VARIANTS = ("routed", "all_branches", "fixed", "forced")
# Of the weights of a `.tflite` file: 32 bits, 16 bits, or 8 bits with activations in
# 8 bits where the runtime has such kernels.
PRECISIONS = ("float32", "float16", "dynamic")


@dataclasses.dataclass(frozen=True)
class Form:
    """Describes what an exported graph takes and does.

    Attributes:
        variant: "routed": each branch runs behind a gate, by the image's route.
            "all_branches": all branches run, without gates. "fixed": the branches of
            one route run, without gates. "forced": as routed, but the route is an
            input; in a binary network any weight but 0 counts as 1.
        threshold: T in (0, 1], a number or a list with one for each MixedOp.
        threshold_input: Whether T is an input of the graph instead, a scalar.
        preprocess: Whether images come as uint8; else as normalised float32.
        ungated: Names of the branches (`tfdyn.layers.modules.Module`) that run for
            every image, because a gate would cost more time than it saves.

    Raises:
        UserError: If the variant is unknown, or an attribute does not fit it.
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

    @property
    def input_threshold(self) -> float:
        """T as one number, for a graph that takes it as a scalar input."""
        return float(np.mean(self.threshold))

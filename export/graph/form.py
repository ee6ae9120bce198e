"""Form: what an exported graph takes and does."""

import dataclasses

import numpy as np

from tfdyn.errors import UserError

VARIANTS = ("routed", "all_branches", "fixed", "forced")
# The weights of a `.tflite` file have 32, 16 or 8 bits. With "dynamic" a device rounds
# activations to 8 bits by the range that each has at that time, where the runtime has
# such kernels. With "int8" their ranges are in the file, from a calibration.
PRECISIONS = ("float32", "float16", "dynamic", "int8")
# Number of images on which these ranges are observed, unless another is asked for.
CALIBRATION_IMAGES = 256


@dataclasses.dataclass(frozen=True)
class Form:
    """Describes what an exported graph takes and does.

    Attributes:
        variant: "routed": each branch runs behind a gate, by the image's route.
            "all_branches": all branches run, without gates. "fixed": the branches of
            one route run, without gates. "forced": as routed, but the route is an
            input. If the network has weights of 0 and 1 only, any other counts as 1.
        threshold: T in (0, 1], a number or a list with one for each MixedOp.
        threshold_input: Whether T is an input of the graph instead, a scalar.
        preprocess: Whether the graph takes uint8 images, and normalises them. Otherwise
            it takes normalised float32 images.
        int8_io: Whether images, logits and probabilities are int8
            (`export.graph.int8_io`). Only files of the precision "int8" can be so.
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
    int8_io: bool = False

    def __post_init__(self):
        if self.variant not in VARIANTS:
            raise UserError(
                f"A variant is one of {', '.join(VARIANTS)}; got {self.variant!r}."
            )
        if self.threshold_input and self.variant != "routed":
            raise UserError(
                f"Only the routed variant takes T as an input; {self.variant} has no "
                f"use for it. Leave out --threshold_input (threshold_input=True)."
            )
        if self.int8_io and not self.preprocess:
            raise UserError(
                "An image of int8 is its pixels less 128, and the file normalises it: "
                "leave out --int8_io (int8_io=True) or --nopreprocess "
                "(preprocess=False)."
            )
        if self.ungated and self.variant != "routed":
            raise UserError(
                f"Gates are left out of the routed variant only; got {self.variant}. "
                f"Leave out --latency_table (ungated)."
            )

    @property
    def input_threshold(self) -> float:
        """T as one number, the mean over MixedOps, for a T that is an input."""
        return float(np.mean(self.threshold))

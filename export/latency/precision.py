"""Precision: how the files are rounded whose times make a latency table."""

import dataclasses
from typing import Self

import tensorflow as tf

from export.graph import trace
from export.graph.convert import convert
from export.graph.form import Form
from export.graph.form_ranges import form_ranges
from export.graph.ranges import FakeQuantization, Names, Ranges
from export.source import Source
from tfdyn.layers.quantization import Quantization

# Range of what enters and leaves a module that is timed alone. Its time does not depend
# on it.
LIMITS = (-6.0, 6.0)


@dataclasses.dataclass(frozen=True)
class Precision:
    """Says how files are rounded, and makes them.

    Attributes:
        name: One of `export.graph.form.PRECISIONS`.
        ranges: For "int8", `Ranges` of the network's activations; otherwise `None`.
    """

    name: str = "float32"
    ranges: Ranges | None = None

    @classmethod
    def of(cls, source: Source, name: str, calibration_images: int) -> Self:
        """Returns the precision of a name; for "int8" observes the ranges.

        They are observed once, with all branches, and hold for every file.

        Args:
            source: `Source` of the network.
            name: One of `export.graph.form.PRECISIONS`.
            calibration_images: Number of training images on which they are observed.

        Raises:
            UserError, OSError: As from `Source.calibration_images` and `form_ranges`.
        """
        if name != "int8":
            return cls(name)
        images = source.calibration_images(calibration_images)
        ranges = form_ranges(
            source.model,
            source.input_format,
            Form("forced"),
            images,
            source.calibrated_on,
        )
        return cls(name, ranges)

    def provenance(self) -> dict:
        """Returns what a table says about it, a dict ready for JSON."""
        if self.ranges is None:
            return {"precision": self.name}
        said = {key: self.ranges.provenance[key] for key in ("of", "images", "sha256")}
        return {"precision": self.name, "calibration": said}

    def network(self, source: Source, form: Form) -> bytes:
        """Returns the `.tflite` file of a whole network.

        Args:
            source: `Source` of the network.
            form: `Form` of the file.
        """
        function = trace.gated(
            source.model, source.input_format, form, ranges=self.ranges
        )
        return convert(function, self.name)

    def part(self, function, in_float: bool = False) -> bytes:
        """Returns the `.tflite` file of a part of a network.

        With "int8" it takes and returns int8, as inside of the network.

        Args:
            function: Concrete function, traced in the scope of `rounding`.
            in_float: Whether the part stays float with "int8", as routers do. Then only
                its weights are rounded, to float16.
        """
        if self.ranges is None or in_float:
            return convert(function, "float16" if self.ranges else self.name)
        inputs = tf.nest.flatten(function.structured_input_signature)
        names = [*(spec.name for spec in inputs), *function.structured_outputs]
        scales = {name: None for name in names if name != "weights"}
        return convert(function, self.name, scales=scales)

    def rounding(self, model) -> "Rounding | FakeRounding":
        """Returns what rounds activations while one part of a network is traced.

        Args:
            model: `RoutedModel` that the part belongs to.
        """
        if self.ranges is None:
            return Rounding()
        return FakeRounding(model, _with_all_sums(model, self.ranges))


FLOAT32 = Precision()


class Rounding(Quantization):
    """Rounds nothing."""

    def end(self, tensor):
        """Returns what enters or leaves a part that is traced alone.

        Args:
            tensor: Tensor of any shape.
        """
        return tensor


class FakeRounding(FakeQuantization):
    """Rounds the activations of a part, and also what enters and leaves it."""

    def end(self, tensor):
        """Returns what enters or leaves a part; rounded, if it is not yet.

        Args:
            tensor: Tensor of any shape.
        """
        return tensor if id(tensor) in self._rounded else self._round(tensor, LIMITS)


def _with_all_sums(model, ranges):
    """Returns ranges in which each branch has that of the sum it is added to.

    In the network, the first branch of a MixedOp stands for all.
    """
    names, by_name = Names(model), dict(ranges.by_name)
    for mixed_op in model.mixed_ops:
        first = by_name[names(mixed_op.branches[0], "sum")]
        by_name |= {names(branch, "sum"): first for branch in mixed_op.branches}
    return dataclasses.replace(ranges, by_name=by_name)

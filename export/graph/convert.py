"""Conversion: a traced function as the bytes of a `.tflite` file."""

import tensorflow as tf

from export.graph.flatbuffer import rename_tensors
from export.graph.form import PRECISIONS
from export.graph.half_weights import halve
from export.graph.int8_gates import pass_int8
from export.graph.int8_io import narrow
from export.graph.int8_relu import add_zero
from tfdyn import output
from tfdyn.errors import UserError


def convert(
    function,
    precision: str = "float32",
    float_gates: bool = False,
    scales: dict | None = None,
) -> bytes:
    """Converts a traced function to TFLite.

    Args:
        function: Concrete function, as `export.graph.trace.gated` returns it. For
            "int8" it was traced with ranges, which say what the converter rounds.
        precision: Precision of the weights, one of `PRECISIONS`.
        float_gates: With "int8", whether all that enters and leaves a gate is float32,
            as the converter makes it: slower, to measure what it costs.
        scales: With "int8", the inputs and outputs that become int8, as
            `export.graph.int8_io.narrow` takes them, or `None` for none.

    Returns:
        The content of a `.tflite` file.

    Raises:
        UserError: If there is no such precision.
    """
    if precision not in PRECISIONS:
        raise UserError(
            f"A precision is one of {', '.join(PRECISIONS)}; got {precision!r}."
        )
    module = tf.Module()
    module.serve = function
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    with output.quiet():
        content = converter.convert()
    if precision == "int8":
        content = content if float_gates else pass_int8(content)
        content = narrow(halve(add_zero(content)), scales or {})
    return rename_tensors(content)

"""Check of int8 inputs and outputs: whether a file has them, and with which scale."""

from export.graph.int8_io import SCALES
from export.interpreter import Interpreter
from tfdyn.errors import UserError


def check(interpreter: Interpreter, int8_io: bool) -> dict[str, dict]:
    """Checks which inputs and outputs of a file are int8, and their scales.

    Args:
        interpreter: The file's `Interpreter`.
        int8_io: Whether the file was exported with int8 inputs and outputs.

    Returns:
        Mapping from the names of these tensors to `{"dtype": "int8", "scale": number,
        "zero_point": integer}`: a value v means `scale * (v - zero_point)`.

    Raises:
        UserError: If the file has other ones, or another scale.
    """
    expected = SCALES if int8_io else {}
    wrong = {*expected} ^ {*interpreter.scales}
    wrong |= {
        name
        for name, scale in expected.items()
        if scale and interpreter.scales.get(name) != scale
    }
    if wrong:
        raise UserError(
            f"The inputs and outputs {', '.join(sorted(wrong))} do not have the type "
            f"or the scale that they should have. Nothing was exported: leave out "
            f"--int8_io, and report this."
        )
    return {
        name: {"dtype": "int8", "scale": float(scale), "zero_point": int(zero_point)}
        for name, (scale, zero_point) in interpreter.scales.items()
    }

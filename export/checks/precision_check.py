"""Check of a precision: whether each convolution of each branch has it."""

from export.graph.flatbuffer import Flatbuffer
from tfdyn.errors import UserError

# Types of the weights, and of what is convolved, of each convolution of a file.
EXPECTED = {
    "float32": ("FLOAT32", "FLOAT32"),
    "float16": ("FLOAT16", "FLOAT32"),
    "dynamic": ("INT8", "FLOAT32"),
    "int8": ("INT8", "INT8"),
}
# With "dynamic" the converter leaves fewer weights than this as they are.
FEWEST_DYNAMIC = 1024


def check(
    flatbuffer: Flatbuffer, precision: str, of_routers: int = 0
) -> dict[str, int]:
    """Checks the precision of the convolutions in a file, gate by gate.

    Args:
        flatbuffer: The file.
        precision: One of `export.graph.form.PRECISIONS`.
        of_routers: Number of convolutions in the routers that the file runs. With
            "int8" they stay float.

    Returns:
        Mapping from texts such as "INT8 x INT8", the type of the weights and of what is
        convolved, to the number of convolutions.

    Raises:
        UserError: If a convolution has another precision, or a tensor of 8 bits has no
            scale.
    """
    counts, wrong = {}, []
    for graph, size, *types in flatbuffer.convolutions():
        kind = " x ".join(types)
        counts[kind] = counts.get(kind, 0) + 1
        few = precision == "dynamic" and size < FEWEST_DYNAMIC
        if tuple(types) != EXPECTED[precision] and not few:
            wrong.append(graph)
    if precision == "int8":
        # Routers stand in the main subgraph, outside all gates.
        float_allowed = min(of_routers, wrong.count(0))
        wrong = sorted(wrong)[float_allowed:]
    if wrong:
        raise UserError(
            f"{len(wrong)} convolutions are not {precision} (in the subgraphs "
            f"{', '.join(map(str, wrong[:5]))}): {counts}. Nothing was exported: use "
            f"--precision=float32, and report this."
        )
    if count := flatbuffer.scales_by_default():
        raise UserError(
            f"{count} tensors of 8 bits have no scale. Nothing was exported: use "
            f"--precision=float32, and report this."
        )
    return counts

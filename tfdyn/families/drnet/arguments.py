"""Checks of the arguments of a DRNet."""

import math

from tfdyn.errors import UserError
from tfdyn.families.drnet.stem import STEMS
from tfdyn.models.sizes import check_total


def check(arguments: dict) -> None:
    """Checks the arguments of a `DRNet` that are wrong together or by their kind.

    Args:
        arguments: Mapping of the constructor arguments.

    Raises:
        UserError: If the images are not square, the network is too large or there is no
            such stem.
    """
    height, width, _ = arguments["input_shape"]
    if height != width:
        raise UserError(
            f"Images must be square; got {height}x{width}. Pass an input_shape with "
            f"the same height and width."
        )
    names = ("num_cells", "num_nodes", "inputs_per_node")
    connections = math.prod(arguments[name] for name in names)
    branches = connections * len(arguments["branches"])
    check_total(branches, branches * (4 * arguments["filters"]) ** 2)
    if arguments["stem"] not in STEMS:
        raise UserError(
            f"stem must be one of {', '.join(STEMS)}; got {arguments['stem']!r}."
        )

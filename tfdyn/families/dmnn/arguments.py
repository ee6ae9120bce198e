"""Checks of the arguments of a DMNN."""

import numbers

from tfdyn.errors import UserError
from tfdyn.families.dmnn.sub_blocks import SUB_BLOCKS
from tfdyn.layers.stem import RESIDUAL_STEMS
from tfdyn.models.sizes import check_total
from tfdyn.routing.selection import METHODS


def check(arguments: dict) -> None:
    """Checks the arguments of a `DMNN` that are wrong together or by their kind.

    Args:
        arguments: Mapping of the constructor arguments.

    Raises:
        UserError: If there is no such sub-block, stem or selection, the stages or the
            rate bias have wrong values, the network is too large, or it has category
            heads but no routers.
    """
    for name, values in (
        ("sub_block", SUB_BLOCKS),
        ("stem", RESIDUAL_STEMS),
        ("selection", METHODS),
    ):
        if arguments[name] not in values:
            raise UserError(
                f"{name} must be one of {', '.join(values)}; got {arguments[name]!r}."
            )
    stages = arguments["stages"]
    if not stages or not all(len(s) == 4 and min(s) > 0 for s in stages):
        raise UserError(
            f"stages must be a list of (filters, width, blocks, strides), all above 0, "
            f"with at least one; got {stages}."
        )
    sub_blocks = arguments["sub_blocks"]
    check_total(
        sum(blocks * sub_blocks for _, _, blocks, _ in stages),
        sum(blocks * sub_blocks * filters**2 for filters, _, blocks, _ in stages),
    )
    if arguments["category_heads"] and arguments["selection"] == "none":
        raise UserError(
            f"Heads for {arguments['category_heads']} categories stand on routers, and "
            f"with selection='none' there are no routers. Pass category_heads=0, or "
            f"another selection."
        )
    step = arguments["rate_bias"]
    if not isinstance(step, numbers.Real) or not 0 <= step <= 1:
        raise UserError(f"rate_bias must be a number from 0 to 1; got {step!r}.")

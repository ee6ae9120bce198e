"""Summary: parameters and MACs of a network with all its branches."""

from tfdyn.costs.cost_table import CostTable
from tfdyn.text import align


def summary(model) -> dict:
    """Counts the parameters and MACs of a network with all its branches.

    Args:
        model: `RoutedModel`.

    Returns:
        A dict ready for JSON: `name`, `params`, `macs`, `router_params`,
        `router_macs`, and `parts`, `{"name", "kind", "params", "macs"}` of each module.
    """
    macs = CostTable.count(model.modules, "macs")
    params = CostTable.count(model.modules, "params")
    parts = [
        {
            "name": module.name,
            "kind": module.kind,
            "params": int(params.cost(module)),
            "macs": int(macs.cost(module)),
        }
        for module in model.modules
    ]

    def total(unit, kind=None):
        return sum(part[unit] for part in parts if kind in (None, part["kind"]))

    return {
        "name": model.name,
        "params": total("params"),
        "macs": total("macs"),
        "router_params": total("params", "router"),
        "router_macs": total("macs", "router"),
        "parts": parts,
    }


def table(content: dict) -> str:
    """Returns a summary as a table: a line for each kind of module in each cell.

    Args:
        content: A dict that `summary` returned.
    """
    groups = {}
    for part in content["parts"]:
        place = part["name"].split("/")[0]
        key = place if place == part["kind"] else f"{place} {part['kind']}"
        counts = groups.setdefault(key, [0, 0, 0])
        for index, number in enumerate((1, part["params"], part["macs"])):
            counts[index] += number
    groups[content["name"]] = len(content["parts"]), content["params"], content["macs"]
    rows = [["", "parts", "parameters", "MACs"]]
    rows += [[name, *(f"{number:,}" for number in groups[name])] for name in groups]
    return align(rows)

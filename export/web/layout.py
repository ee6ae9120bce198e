"""Layout: where each branch of a network is drawn on the page."""

from tfdyn.models.routed_model import RoutedModel
from tfdyn.reporting.route_graphs import find_graphs


def graphs_of(model: RoutedModel) -> list[dict]:
    """Returns the graphs that the page draws, ready for JSON.

    Args:
        model: `RoutedModel`.

    Returns:
        A list with a dict for each graph, in the network's order: `name`, `nodes` (the
        number of nodes) and `edges`. An edge is a dict of a connection: `name` (of its
        MixedOp), `source` and `target` (nodes, from 0), `first` (the place of its first
        branch in the flat route) and `branches`, a list of `{"name", "macs"}`.
    """
    parts = [[mixed_op.name for mixed_op in part] for part in model.parts]
    spec, costs = model.route_spec, model.route_cost.branches
    first, places = 0, {}
    for name, size in zip(spec.branches, spec.sizes, strict=True):
        places[name] = first
        first += size
    return [
        {
            "name": name,
            "nodes": 1 + max(edge.target for edge in edges),
            "edges": [
                {
                    "name": edge.mixed_op,
                    "source": edge.source,
                    "target": edge.target,
                    "first": places[edge.mixed_op],
                    "branches": [
                        {"name": branch, "macs": int(macs)}
                        for branch, macs in zip(
                            spec.branches[edge.mixed_op],
                            costs[edge.mixed_op],
                            strict=True,
                        )
                    ],
                }
                for edge in edges
            ],
        }
        for name, edges in find_graphs(parts).items()
    ]

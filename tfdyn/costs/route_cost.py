"""RouteCost: what a route through a network costs, from a cost table."""

import numpy as np
from keras import ops


class RouteCost:
    """Costs of routes, linear in which branches run but for the table's overflow.

    Args:
        modules: Modules of the network (`tfdyn.layers.modules.find_modules`).
        table: `CostTable` that has them all.

    Attributes:
        unit: The table's unit.
        fixed: Cost of what runs for every input.
        branches: Mapping from each MixedOp's name to the costs of its branches, an
            array `(branches,)`.

    Raises:
        ValueError: If the table lacks a module.
    """

    def __init__(self, modules, table):
        self.unit, self._overflow = table.unit, table.overflow
        self.fixed = table.remainder
        costs = {}
        for module in modules:
            if module.mixed_op is None:
                self.fixed += table.cost(module)
            else:
                costs.setdefault(module.mixed_op, []).append(table.cost(module))
        gate = table.gate
        self.fixed += gate["not_taken"] * sum(map(len, costs.values()))
        self.branches = {
            name: np.asarray(cost, "float32") + gate["taken"] - gate["not_taken"]
            for name, cost in costs.items()
        }

    @property
    def all_branches(self):
        """Cost of the branches of all MixedOps together."""
        return float(sum(costs.sum() for costs in self.branches.values()))

    def expected(self, route):
        """Returns the expected cost of the branches, `(batch,)`.

        The sum in DRNet's eq. 8 and ISBNet's eq. 5: each branch's cost times its
        weight, differentiable in the weights.

        Args:
            route: Mapping from MixedOp names to weights `(batch, branches)`.
        """
        return self._sum(self._concatenated(route))

    def total(self, route):
        """Returns the cost of running a route, the fixed part included, `(batch,)`.

        Args:
            route: Mapping from MixedOp names to weights `(batch, branches)`; a
                branch runs where its weight is not zero.
        """
        branches = self._sum(self._concatenated(route) != 0)
        if not self._overflow["factor"]:
            return self.fixed + branches
        over = ops.maximum(branches - self._overflow["above"], 0)
        return self.fixed + branches + self._overflow["factor"] * over

    def _concatenated(self, route):
        # One operation for all MixedOps, not one for each.
        return ops.concatenate([route[name] for name in self.branches], axis=-1)

    def _sum(self, weights):
        costs = np.concatenate(list(self.branches.values()))
        return ops.sum(ops.cast(weights, "float32") * costs, axis=-1)

"""RouteCost: the cost of a route through a network, computed from a cost table."""

import numpy as np
from keras import ops

from tfdyn.costs.cost_table import CostTable
from tfdyn.errors import UserError
from tfdyn.layers.modules import Module


class RouteCost:
    """Computes the costs of routes through one network.

    The cost of a route is a fixed part plus the costs of the branches that run, plus
    the overflow of the table (see `CostTable`).

    Args:
        modules: Modules of the network, as from `find_modules`.
        table: `CostTable` with an entry for each module.

    Attributes:
        unit: Unit of all costs, that of the table: "macs", "params" or "ms".
        fixed: Cost of the parts that run for every image, a float. It includes the
            gates of all branches as if no branch ran.
        branches: Mapping from each MixedOp's name to the costs of its branches, a
            float32 array `(branches,)`. They include the additional cost of a gate
            whose branch runs.
        table_name: The table's file, or "The cost table".

    Raises:
        UserError: If the table has no entry for a module, or a branch that runs would
            cost less than one that does not.
    """

    def __init__(self, modules: list[Module], table: CostTable):
        self.unit, self.table_name = table.unit, table.name
        self._overflow = table.overflow
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
        self._check_gates()

    def _check_gates(self):
        for name, costs in self.branches.items():
            # As if a branch saved what it costs: a longer route would be cheaper.
            if costs.min() < -1e-6 * max(self.fixed, 1):
                raise UserError(
                    f"{self.table_name}: a branch of {name} and its taken gate cost "
                    f"less than a gate that is not taken, so that the branch would "
                    f"cost {costs.min():g} {self.unit}. Make the table anew."
                )

    @property
    def all_branches(self) -> float:
        """Sum of the costs of the branches of all MixedOps."""
        return float(sum(costs.sum() for costs in self.branches.values()))

    def expected(self, route: dict):
        """Returns the expected cost of the branches: no fixed part, no overflow.

        This is the sum in DRNet's eq. 8 and ISBNet's eq. 5: the cost of each branch
        times its weight. It has a gradient with respect to the weights.

        Args:
            route: Mapping from MixedOp names to weights `(batch, branches)`.

        Returns:
            Float32 tensor `(batch,)`, in the unit of the table.
        """
        return self._sum(self._concatenated(route))

    def total(self, route: dict):
        """Returns the cost of running the network by a route, fixed part included.

        Args:
            route: Mapping from MixedOp names to weights `(batch, branches)`. A branch
                runs for an image if its weight is not 0.

        Returns:
            Float32 tensor `(batch,)`, in the unit of the table.
        """
        branches = self._sum(self._concatenated(route) != 0)
        if not self._overflow["factor"]:
            return self.fixed + branches
        excess = ops.maximum(branches - self._overflow["above"], 0)
        return self.fixed + branches + self._overflow["factor"] * excess

    def _concatenated(self, route):
        """Returns the flat route `(batch, branches of all MixedOps)`."""
        # On a flat route, one operation computes the costs of all MixedOps.
        return ops.concatenate([route[name] for name in self.branches], axis=-1)

    def _sum(self, weights):
        """Returns the sum of the branches' costs times their weights, `(batch,)`."""
        costs = np.concatenate(list(self.branches.values()))
        return ops.sum(ops.cast(weights, "float32") * costs, axis=-1)

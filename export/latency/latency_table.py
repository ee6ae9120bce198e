"""Latency table: costs of modules and gates in ms, from the times of probes."""

import statistics

import numpy as np

from export.latency import probes
from tfdyn.costs.cost_table import CostTable, module_key
from tfdyn.costs.route_cost import RouteCost
from tfdyn.errors import UserError


def compose(source, times, routes, provenance):
    """Makes a latency table of what was timed.

    The whole anchors it: with all gates off it gives the time that was measured. A
    branch is timed in a chain of its equals, in warmer caches than the network's: there
    it costs more, by one factor for all, `in_context`, and routes that run much by the
    `overflow` besides; the routes of `probes.Probes` tell both. A branch's `cost` is
    without its gate, whose cost, taken or not, is in `gate`.

    Args:
        source: `export.source.Source`.
        times: Mapping from the names of `Probes` to lists of times in ms.
        routes: Mapping from those names that are whole networks on a route to it.
        provenance: How it was measured, a dict ready for JSON.

    Returns:
        `CostTable` in ms. Its provenance says too what `selection` takes of the
        remainder, which routes given from outside save, `in_context`, and what each of
        the `routes` took.
    """
    medians = {name: statistics.median(own) for name, own in times.items()}
    found = probes.distinct(source.model.modules)
    empty, off = medians[probes.EMPTY], medians[probes.OFF]
    alone = {m.name: max(0.0, medians[m.name] - empty) for m, _ in found.values()}
    branches = [m for m, _ in found.values() if m.kind == "branch"]
    gated = {
        name: [max(0.0, medians[name(m)] - empty) / probes.CHAIN for m in branches]
        for name in (probes.taken, probes.not_taken)
    }
    not_taken = statistics.mean(gated[probes.not_taken])
    # What a branch takes, with its gate, over the gate alone.
    added = {
        m.name: max(0.0, on - idle)
        for m, on, idle in zip(branches, *gated.values(), strict=True)
    }
    first = [found[module_key(m.layer)][0] for m in source.model.modules]
    in_context, above, more = _in_network(
        np.array([added[m.name] for m in first if m.kind == "branch"]),
        [(route, medians[name] - off) for name, route in routes.items()],
    )
    added = {name: in_context * own for name, own in added.items()}
    over = statistics.mean(own - alone[name] for name, own in added.items())
    # Neither a branch nor a gate costs less than nothing.
    over = max(-not_taken, min(over, *added.values()))
    cost = {**alone, **{name: own - over for name, own in added.items()}}
    modules = {
        key: {
            "cost": cost[module.name],
            "spread": spread(times[module.name]),
            "count": count,
            "name": module.name,
        }
        for key, (module, count) in found.items()
    }
    routers = sum(alone[m.name] for m in first if m.kind == "router")
    selection = medians[probes.ROUTED] - medians[probes.FORCED] - routers
    gate = {"taken": not_taken + over, "not_taken": not_taken}
    provenance = {
        **provenance,
        "selection": selection,
        "in_context": in_context,
        "routes": {name: medians[name] for name in routes},
    }
    overflow = {"above": above, "factor": more}
    table = CostTable("ms", modules, gate, 0.0, provenance, overflow)
    parts = RouteCost(source.model.modules, table).fixed
    table.remainder = off + routers + selection - parts
    return table


def _in_network(warm, timed):
    """Returns by how much branches cost more in the network than in warm caches.

    One factor for all; and, if that alone is more than 1 % off and this halves it,
    another beyond some sum, where what the branches read no longer fits into a cache.

    Args:
        warm: What each branch takes in warm caches, `(branches of all MixedOps,)`.
        timed: Pairs of a route and what the network takes on it over none.

    Returns:
        The factor, the sum above which there is more, and the factor of that.
    """
    sums = [(np.sum(warm[route != 0]), ms) for route, ms in timed]
    x, y = np.array([pair for pair in sums if min(pair) > 0]).reshape(-1, 2).T
    if not len(x):
        return 1.0, 0.0, 0.0

    def fit(above):
        over = np.maximum(x - above, 0)
        columns = np.stack([x, over], axis=-1) / y[:, None]  # Errors are shares.
        (one, more), *_ = np.linalg.lstsq(columns, np.ones_like(y), rcond=None)
        return np.sum((one * x + more * over - y) ** 2 / y**2), one, more, above

    error, factor, _, most = fit(x.max())  # None is above.
    # At least three routes on either side.
    found = [one for one in map(fit, np.sort(x)[2:-3]) if one[2] > 0 and one[1] > 0]
    best = min(found, default=(error, factor, 0.0, most))
    if error > 1e-4 * len(x) and best[0] < error / 4:  # These are squares.
        error, factor, more, above = best
        return float(factor), float(factor * above), float(more / factor)
    return float(factor), 0.0, 0.0


def saved_by_forcing(table, modules):
    """Returns what a route given from outside saves: routers and selection, in ms.

    Args:
        table: What `compose` returned.
        modules: Modules of the network.

    Raises:
        ValueError: If the table does not say what the selection takes.
    """
    if "selection" not in table.provenance:
        raise UserError(
            "The latency table is not one of `python -m export.latency`: its "
            "provenance does not say what the selection of branches takes."
        )
    routers = sum(table.cost(module) for module in modules if module.kind == "router")
    return routers + table.provenance["selection"]


def spread(times):
    """Returns half the range of the middle half of some times, in ms."""
    low, high = np.percentile(times, (25, 75))
    return float(high - low) / 2

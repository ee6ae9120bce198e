"""Latency table: computes the costs of modules and gates from the times of probes."""

import statistics

import numpy as np

from export.latency import probes
from export.source import Source
from tfdyn.costs.cost_table import CostTable, module_key
from tfdyn.errors import UserError


def compose(
    source: Source,
    times: dict[str, list[float]],
    routes: dict[str, np.ndarray],
    provenance: dict,
) -> CostTable:
    """Makes a latency table from the times of probes.

    A branch is timed in a chain of copies of itself, where the caches are warmer than
    in the network. The times of the whole network on `routes` give the factor
    `in_context` by which branches cost more in the network, and the table's `overflow`:
    what routes of many branches cost beyond that. The `remainder` is chosen such that
    the table predicts exactly the measured time of the network with all gates off. If
    that is less than the times of its parts, because of noise, these are scaled down to
    it: no cost is below 0. The `cost` of a branch excludes its gate; `gate` has the
    cost of a gate, taken or not.

    Args:
        source: `Source` of the network.
        times: Mapping from the names of `Probes` to lists of times in ms.
        routes: `Probes.routes`, a mapping from names of probes to the flat routes
            `(branches of all MixedOps,)` that they take as an input.
        provenance: How the times were measured, a dict ready for JSON.

    Returns:
        `CostTable` in ms. Three entries are added to its provenance: `selection` (the
        part of the remainder, in ms, for selecting the branches; a network with the
        route as an input saves it), `in_context`, and `routes` (the median ms of each).

    Raises:
        UserError: If no module takes longer than an empty file.
    """
    medians = {name: statistics.median(values) for name, values in times.items()}
    by_key = probes.distinct(source.model.modules)
    empty, off = medians[probes.EMPTY], medians[probes.OFF]
    alone = {m.name: max(0.0, medians[m.name] - empty) for m, _ in by_key.values()}
    branches = [m for m, _ in by_key.values() if m.kind == "branch"]
    on_ms, off_ms = (
        [max(0.0, medians[name(m)] - empty) / probes.CHAIN for m in branches]
        for name in (probes.name_if_taken, probes.name_if_not_taken)
    )
    first = [by_key[module_key(m.layer)][0] for m in source.model.modules]
    always = [m.name for m in first if m.kind not in ("branch", "router")]
    routers = [m.name for m in first if m.kind == "router"]
    gates = len(first) - len(always) - len(routers)
    not_taken = statistics.mean(off_ms)
    # The parts of the network with all gates off; then the routers and what else they
    # cost, which is the selection of branches. Neither may be more than the whole.
    scale = _scale(sum(alone[name] for name in always) + gates * not_taken, off)
    alone |= {name: scale * alone[name] for name in set(always)}
    not_taken *= scale
    beyond_parts = off - sum(alone[name] for name in always) - gates * not_taken
    routing = max(0.0, medians[probes.ROUTED] - medians[probes.FORCED])
    scale = _scale(sum(alone[name] for name in routers), beyond_parts + routing)
    alone |= {name: scale * alone[name] for name in set(routers)}
    selection = routing - sum(alone[name] for name in routers)
    # What a branch that runs adds to the time of a gate that is not taken.
    extra = {
        m.name: max(0.0, on - idle)
        for m, on, idle in zip(branches, on_ms, off_ms, strict=True)
    }
    in_context, above, more = _in_network(
        np.array([extra[m.name] for m in first if m.kind == "branch"]),
        [(route, medians[name] - off) for name, route in routes.items()],
    )
    extra = {name: in_context * ms for name, ms in extra.items()}
    # What a gate costs more if it is taken.
    over = statistics.mean(ms - alone[name] for name, ms in extra.items())
    # Noise must not make the cost of a branch or a gate negative.
    over = max(-not_taken, min(over, *extra.values()))
    cost = {**alone, **{name: ms - over for name, ms in extra.items()}}
    if not any(cost.values()):
        raise UserError(
            "No module takes longer than an empty file: the device's clock is too "
            "coarse, or its benchmark does not run the files. Use another device or "
            "benchmark."
        )
    modules = {
        key: {
            "cost": cost[module.name],
            "spread": spread(times[module.name]),
            "count": count,
            "name": module.name,
        }
        for key, (module, count) in by_key.items()
    }
    gate = {"taken": not_taken + over, "not_taken": not_taken}
    provenance = {
        **provenance,
        "selection": selection,
        "in_context": in_context,
        "routes": {name: medians[name] for name in routes},
    }
    overflow = {"above": above, "factor": more}
    remainder = max(0.0, beyond_parts + selection)  # Rounding may leave less.
    return CostTable("ms", modules, gate, remainder, provenance, overflow)


def _scale(parts, whole):
    """Returns the factor by which parts are scaled, if they exceed their whole."""
    # Rounding may leave less than nothing of the whole.
    return max(0.0, whole) / parts if parts > whole else 1.0


def _in_network(warm, timed):
    """Returns how much more branches cost in the network than in warm caches.

    Fits one factor for all branches. If its predictions are more than 1 % off, fits a
    second factor for the part of a route's sum above a limit: what many branches read
    may not fit into a cache. The second factor is kept if it halves the error.

    Args:
        warm: Time of each branch in warm caches, in ms, `(branches of all MixedOps,)`.
        timed: Pairs of a flat route `(branches of all MixedOps,)`, and the ms that the
            network takes on it beyond the route without branches.

    Returns:
        The factor; the limit in ms, above which the second factor counts; and the
        second factor, as a share of the first. The last two are 0 if there is none.
    """
    sums = [(np.sum(warm[route != 0]), ms) for route, ms in timed]
    x, y = np.array([pair for pair in sums if min(pair) > 0]).reshape(-1, 2).T
    if not len(x):
        return 1.0, 0.0, 0.0

    def fit(above):
        over = np.maximum(x - above, 0)
        columns = np.stack([x, over], axis=-1) / y[:, None]  # For relative errors.
        (factor, more), *_ = np.linalg.lstsq(columns, np.ones_like(y), rcond=None)
        error = np.sum((factor * x + more * over - y) ** 2 / y**2)
        return error, factor, more, above

    error, factor, _, largest = fit(x.max())  # No sum is above the largest.
    # Limits with at least three routes on either side.
    fits = [f for f in map(fit, np.sort(x)[2:-3]) if f[1] > 0 and f[2] > 0]
    best = min(fits, default=(error, factor, 0.0, largest))
    if error > 1e-4 * len(x) and best[0] < error / 4:  # Errors are squared.
        error, factor, more, above = best
        return float(factor), float(factor * above), float(more / factor)
    return float(factor), 0.0, 0.0


def spread(times: list[float]) -> float:
    """Returns half the distance between the quartiles of times, in ms.

    Args:
        times: Times in ms.
    """
    low, high = np.percentile(times, (25, 75))
    return float(high - low) / 2

"""A device for tests, whose times add up as a latency table says that they do."""

import contextlib

import numpy as np

from export.latency import probes
from tfdyn.costs.cost_table import module_key


class Clock:
    """A device that makes up the time of a file of `Probes` from its name and inputs.

    Attributes:
        measured: Names that it was asked for, in their order.
        fails_at: How many it answers before it raises a KeyboardInterrupt, or `None`.
    """

    name = "clock"
    empty, not_taken, over, selection, rest, in_context = 0.5, 0.25, 1.0, 3.0, 7.0, 1.5

    def __init__(self, model, own_route=None):
        random = np.random.default_rng(0)
        self.modules = model.modules
        keys = {module_key(m.layer): m for m in model.modules}
        self.costs = {key: 2 + random.random() for key in keys}
        self.own_route, self.measured, self.fails_at = own_route, [], None

    def cost(self, module):
        return self.costs[module_key(module.layer)]

    def total(self, kind):
        return sum(self.cost(m) for m in self.modules if m.kind == kind)

    def of_route(self, route):
        """The time of a network on a route that is an input."""
        branches = [m for m in self.modules if m.kind == "branch"]
        runs = sum(
            self.in_context * (self.cost(m) + self.over)
            for m, weight in zip(branches, route, strict=True)
            if weight
        )
        kinds = ("stem", "preprocess", "head")
        fixed = self.rest + sum(self.total(kind) for kind in kinds)
        return self.empty + fixed + len(branches) * self.not_taken + runs

    def describe(self):
        return {"device": self.name}

    @contextlib.contextmanager
    def session(self, files, inputs, num_threads=1):
        times = {probes.EMPTY: self.empty}
        for module in self.modules:
            cost, off = self.cost(module), self.empty + probes.CHAIN * self.not_taken
            times[module.name] = self.empty + cost
            times[probes.name_if_not_taken(module)] = off
            times[probes.name_if_taken(module)] = off + probes.CHAIN * (
                cost + self.over
            )
        if self.own_route is not None:
            routers = self.total("router") + self.selection
            times[probes.ROUTED] = self.of_route(self.own_route) + routers

        def measure(name, runs=50):
            if len(self.measured) == self.fails_at:
                raise KeyboardInterrupt
            assert name in files and runs > 0
            self.measured.append(name)
            if "route" in inputs.get(name, {}):
                return self.of_route(inputs[name]["route"])
            return times[name]

        yield measure


def own_route(model, image, input_format):
    """The route of a uint8 image at the network's own T."""
    images = np.asarray(input_format.normalize(image[None]))
    route = model(images, training=False)["route"]
    return model.route_spec.flatten(route).numpy()[0]

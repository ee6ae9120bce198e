"""Probes: the small files whose times make up a latency table."""

import functools

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from export.checks.parity import Reference
from export.graph import gating, trace
from export.graph.constants import Constants
from export.graph.convert import convert
from export.graph.form import Form
from tfdyn.costs.complexity import input_shape, of_one_example
from tfdyn.costs.cost_table import module_key
from tfdyn.files import whole
from tfdyn.routing.random_routes import spread_routes

# Gates in the file that times one: many, so that the clock sees them.
CHAIN = 8
# What is timed beside the modules: nothing, and the whole in several ways.
EMPTY, ROUTED, FORCED, OFF = "empty", "routed", "forced", "all gates off"
# How many random routes are timed, from the lightest to all.
ROUTES = 16


def distinct(modules):
    """Returns the first module of each key, and how many there are of it.

    Returns:
        Mapping from keys to pairs of a `Module` and a number.
    """
    found = {}
    for module in modules:
        key = module_key(module.layer)
        first, count = found.get(key, (module, 0))
        found[key] = first, count + 1
    return found


def taken(module):
    """Returns the name under which the gated branch is timed as it runs."""
    return f"{module.name}, gate taken"


def not_taken(module):
    """Returns the name under which the gated branch is timed as it does not run."""
    return f"{module.name}, gate not taken"


def random_routes(model):
    """Returns the random routes of a network that a profile times, by their names."""
    drawn = spread_routes(model.route_spec, ROUTES)
    return {f"route {index}": route for index, route in enumerate(drawn)}


class Probes:
    """Files and inputs that a device is to time, by names.

    A module's own name is that of the module alone. A branch stands in a sum, with its
    weight and no gate; and, under two more names, in a chain of gates that are all
    taken, or none. `ROUTED` is the whole network on an image, `FORCED` the same
    with the route as an input, `OFF` that with no branch; then there are random routes.

    Args:
        source: `export.source.Source`.
        folder: Where the files go, a `pathlib.Path`; what is there is not made again.
        image: uint8 image `(height, width, channels)` for the whole network.

    Attributes:
        files: Mapping from names to paths.
        inputs: Mapping from names to mappings from inputs to arrays.
        routes: Mapping from names to routes, `(branches of all MixedOps,)`, where the
            route is an input.
    """

    def __init__(self, source, folder, image):
        self.source, self.folder = source, folder
        self._constants = Constants(source.model)
        normalized = np.asarray(source.input_format.normalize(image[None]))
        _, (own,) = Reference(source.model)(normalized, source.model.threshold)
        self.routes = {FORCED: own, OFF: 0 * own, **random_routes(source.model)}
        self.files = {EMPTY: folder / "empty.tflite", ROUTED: folder / "routed.tflite"}
        self.files |= dict.fromkeys(self.routes, folder / "forced.tflite")
        self.inputs = {ROUTED: {"image": image}}
        for name, route in self.routes.items():
            self.inputs[name] = {"image": image, "route": route}
        self._functions = {
            folder / "empty.tflite": _empty,
            folder / "routed.tflite": lambda: self._whole("routed"),
            folder / "forced.tflite": lambda: self._whole("forced"),
        }
        for index, (module, _) in enumerate(distinct(source.model.modules).values()):
            self._add(module, index)

    def _add(self, module, index):
        path = self.folder / f"{index}.tflite"
        self.files[module.name] = path
        if module.kind != "branch":
            self._functions[path] = lambda: self._alone(module.layer)
            return
        self._functions[path] = lambda: self._summed(module.layer, gating.ungated)
        self.inputs[module.name] = {"weights": [1.0]}
        gated = functools.partial(gating.gated, binary=self.source.model.binary)
        path = self.folder / f"{index}_gated.tflite"
        self._functions[path] = lambda: self._summed(module.layer, gated, CHAIN)
        for name, weight in ((taken(module), 1.0), (not_taken(module), 0.0)):
            self.files[name] = path
            self.inputs[name] = {"weights": np.full(CHAIN, weight)}

    def make(self):
        """Writes the files that are not there yet; a bar on terminals."""
        bar = tqdm(self._functions.items(), "making files", leave=False, disable=None)
        for path, function in bar:
            if not path.exists():
                with whole(path) as temporary:
                    temporary.write_bytes(convert(function()))

    def _whole(self, variant):
        form = Form(variant, self.source.model.threshold)
        return trace.gated(self.source.model, self.source.input_format, form)

    def _alone(self, layer):
        shape = of_one_example(input_shape(layer))
        several = isinstance(shape, list)
        shapes = {f"inputs_{i}": s for i, s in enumerate(shape if several else [shape])}

        def serve(**inputs):
            inputs = [inputs[name] for name in shapes]
            with self._constants:
                outputs = tf.nest.flatten(layer(inputs if several else inputs[0]))
            return {f"outputs_{i}": output for i, output in enumerate(outputs)}

        return _traced(serve, **shapes)

    def _summed(self, layer, by, branches=1):
        def serve(inputs, initial, weights):
            with self._constants:
                return {"outputs": by([layer] * branches, inputs, weights, initial)}

        shape = input_shape(layer)
        shapes = {"inputs": shape, "initial": layer.compute_output_shape(shape)}
        shapes = {name: of_one_example(shape) for name, shape in shapes.items()}
        return _traced(serve, **shapes, weights=(1, branches))


def _empty():
    return _traced(lambda inputs: {"outputs": inputs + 1.0}, inputs=(1, 1))


def _traced(function, **shapes):
    specs = {
        name: tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()
    }
    return tf.function(function, autograph=False).get_concrete_function(**specs)

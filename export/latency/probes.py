"""Probes: the files that a device times to make a latency table."""

import functools
import pathlib

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from export.checks.parity import Reference
from export.graph import gating
from export.graph.constants import Constants
from export.graph.convert import convert
from export.graph.form import Form
from export.interpreter import Interpreter
from export.latency.precision import FLOAT32, Precision
from export.source import Source
from tfdyn import output
from tfdyn.costs.complexity import input_shape, shape_of_one_image
from tfdyn.costs.cost_table import module_key
from tfdyn.errors import UserError
from tfdyn.files import whole
from tfdyn.layers import quantization
from tfdyn.routing.random_routes import spread_routes

# Number of gates in a file that times a gate: one alone is too fast to time.
CHAIN = 8
# Names of the probes that are not of one module; `Probes` describes them.
EMPTY, ROUTED, FORCED, OFF = "empty", "routed", "forced", "all gates off"
# Number of random routes to time, from the cheapest to the route of all branches.
ROUTES = 16


def distinct(modules: list) -> dict[str, tuple]:
    """Counts the modules that share a key, and so one cost.

    Args:
        modules: List of `tfdyn.layers.modules.Module`.

    Returns:
        Mapping from keys (`tfdyn.costs.cost_table.module_key`) to pairs: the first
        `Module` with the key, and the number of modules with it.
    """
    modules_by_key = {}
    for module in modules:
        key = module_key(module.layer)
        first, count = modules_by_key.get(key, (module, 0))
        modules_by_key[key] = first, count + 1
    return modules_by_key


def name_if_taken(module) -> str:
    """Returns the name of the probe that runs a branch behind its gate.

    Args:
        module: `Module` of the branch.
    """
    return f"{module.name}, gate taken"


def name_if_not_taken(module) -> str:
    """Returns the name of the probe that skips a branch by its gate.

    Args:
        module: `Module` of the branch.
    """
    return f"{module.name}, gate not taken"


def usable(path: pathlib.Path) -> bool:
    """Returns whether a file of an earlier command is there and can be loaded.

    Args:
        path: The `.tflite` file. A power cut may have left it empty.
    """
    if not path.is_file():
        return False
    with output.quiet():  # LiteRT prints which delegate it uses.
        try:
            Interpreter(path)
        except UserError:
            return False
    return True


def random_routes(model) -> dict[str, np.ndarray]:
    """Draws the random routes of a network that are timed, always the same ones.

    Args:
        model: `RoutedModel`.

    Returns:
        Mapping from names to flat routes `(branches of all MixedOps,)`.
    """
    routes = spread_routes(model.route_spec, ROUTES)
    return {f"route {index}": route for index, route in enumerate(routes)}


class Probes:
    """Lists the files that a device times, and their inputs, by name.

    - The name of a module: the module alone. A branch is added to a sum, with its
      weight and without a gate.
    - `name_if_taken` and `name_if_not_taken`: a chain of `CHAIN` gates before the same
      branch, all taken or none.
    - `ROUTED`: the whole network on an image.
    - `FORCED`: the same, with the image's route as an input.
    - `OFF`: the same, with a route that runs no branch.
    - Names of `random_routes`: the same, with these routes.
    - `EMPTY`: one addition. Its time is what every run takes, whatever it computes.

    Args:
        source: `Source` of the network.
        folder: Folder of the files. Files that can be loaded are not made again.
        image: uint8 image `(height, width, channels)` for the whole network.
        precision: `Precision` of the files.

    Attributes:
        files: Mapping from names to paths; several names may share a file.
        inputs: Mapping from names to mappings from names of inputs to arrays.
        routes: Mapping from the names of the files that take the route as an input to
            the flat routes `(branches of all MixedOps,)`.
    """

    def __init__(
        self,
        source: Source,
        folder: pathlib.Path,
        image: np.ndarray,
        precision: Precision = FLOAT32,
    ):
        self.source, self.folder, self._precision = source, folder, precision
        self._constants = Constants(source.model)
        normalized = np.asarray(source.input_format.normalize(image[None]))
        _, (route,) = Reference(source.model)(normalized, source.model.threshold)
        self.routes = {FORCED: route, OFF: 0 * route, **random_routes(source.model)}
        self.files = {EMPTY: folder / "empty.tflite", ROUTED: folder / "routed.tflite"}
        self.files |= dict.fromkeys(self.routes, folder / "forced.tflite")
        self.inputs = {ROUTED: {"image": image}}
        for name, route in self.routes.items():
            self.inputs[name] = {"image": image, "route": route}
        self._contents = {
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
            self._contents[path] = lambda: self._alone(module)
            return
        self._contents[path] = lambda: self._summed(module.layer, gating.ungated)
        self.inputs[module.name] = {"weights": [1.0]}
        gated = functools.partial(gating.gated, binary=self.source.model.binary)
        path = self.folder / f"{index}_gated.tflite"
        self._contents[path] = lambda: self._summed(module.layer, gated, CHAIN)
        weights = {name_if_taken(module): 1.0, name_if_not_taken(module): 0.0}
        for name, weight in weights.items():
            self.files[name] = path
            self.inputs[name] = {"weights": np.full(CHAIN, weight)}

    def make(self) -> None:
        """Writes the files that are not there yet, with a progress bar on terminals.

        Raises:
            OSError: If the folder cannot be written to.
        """
        bar = tqdm(self._contents.items(), "making files", leave=False, disable=None)
        for path, content in bar:
            if not usable(path):
                with whole(path) as temporary:
                    temporary.write_bytes(content())

    def _whole(self, variant):
        form = Form(variant, self.source.model.threshold)
        return self._precision.network(self.source, form)

    def _alone(self, module):
        layer = module.layer
        in_float = module.kind == "router"
        shape = shape_of_one_image(input_shape(layer))
        several = isinstance(shape, list)
        shapes = {f"inputs_{i}": s for i, s in enumerate(shape if several else [shape])}

        def serve(**inputs):
            inputs = [inputs[name] for name in shapes]
            rounding = self._precision.rounding(self.source.model)
            if module.kind not in ("router", "stem"):  # A stem rounds images itself.
                inputs = [rounding.end(tensor) for tensor in inputs]
            with self._constants, quantization.scope(rounding):
                outputs = tf.nest.flatten(layer(inputs if several else inputs[0]))
            if not in_float:
                outputs = [rounding.end(output) for output in outputs]
            return {f"outputs_{i}": output for i, output in enumerate(outputs)}

        return self._precision.part(_traced(serve, **shapes), in_float)

    def _summed(self, layer, by, branches=1):
        def serve(inputs, initial, weights):
            rounding = self._precision.rounding(self.source.model)
            inputs = rounding.end(inputs)
            with self._constants, quantization.scope(rounding):
                initial = quantization.point(initial, layer, "sum")
                outputs = by([layer] * branches, inputs, weights, initial)
            return {"outputs": outputs}

        shape = input_shape(layer)
        shapes = {"inputs": shape, "initial": layer.compute_output_shape(shape)}
        shapes = {name: shape_of_one_image(shape) for name, shape in shapes.items()}
        return self._precision.part(_traced(serve, **shapes, weights=(1, branches)))


def _empty():
    return convert(_traced(lambda inputs: {"outputs": inputs + 1.0}, inputs=(1, 1)))


def _traced(function, **shapes):
    specs = {
        name: tf.TensorSpec(shape, tf.float32, name) for name, shape in shapes.items()
    }
    return tf.function(function, autograph=False).get_concrete_function(**specs)

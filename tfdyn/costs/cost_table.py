"""CostTable: what each module of a network costs, in one unit."""

import json
import math

from tfdyn.costs import complexity
from tfdyn.errors import UserError
from tfdyn.files import write_json

COUNTS = {"macs": complexity.macs, "params": complexity.params}
UNITS = ("ms", *COUNTS)
NO_GATE = {"taken": 0.0, "not_taken": 0.0}
NO_OVERFLOW = {"above": 0.0, "factor": 0.0}
# What does not change a layer's cost: it stays out of the key.
IGNORED = ("name", "trainable", "dtype", "seed", "module", "registered_name")
IGNORED_ENDINGS = ("_initializer", "_regularizer", "_constraint")


def module_key(layer):
    """Returns the key of a built layer: its class, configuration and input shape.

    Two layers that cost the same for being built alike have one key.
    """
    config = json.dumps(_essential(layer.get_config()), sort_keys=True)
    shapes = list(layer.get_build_config().values())
    shapes = json.dumps(_essential(shapes[0] if len(shapes) == 1 else shapes))
    return f"{type(layer).__name__} {config} {shapes}"


def _essential(value):
    if isinstance(value, dict):
        return {
            key: _essential(item)
            for key, item in value.items()
            if key not in IGNORED and not key.endswith(IGNORED_ENDINGS)
        }
    if isinstance(value, (list, tuple)):
        return [_essential(item) for item in value]
    return value


class CostTable:
    """Costs of modules, counted or measured on a device.

    Args:
        unit: "macs", "params" or "ms".
        modules: Mapping from `module_key` to `{"cost": number, ...}`.
        gate: Cost of a branch's gate, `{"taken": number, "not_taken": number}`.
        remainder: Cost of what is in no module.
        provenance: How the table was made, any JSON object.
        overflow: What the branches of a route cost more than their sum once it is
            large, as where they fill a cache, `{"above": number, "factor": number}`:
            the factor times what the sum is above the number.
    """

    def __init__(
        self,
        unit,
        modules,
        gate=None,
        remainder=0.0,
        provenance=None,
        overflow=None,
    ):
        self.unit, self.modules = unit, modules
        self.gate, self.overflow = gate or NO_GATE, overflow or NO_OVERFLOW
        self.remainder, self.provenance = remainder, provenance or {}

    @classmethod
    def count(cls, modules, unit="macs"):
        """Counts the modules of a network (`tfdyn.layers.modules.find_modules`)."""
        layers = {module_key(module.layer): module.layer for module in modules}
        counted = {key: {"cost": COUNTS[unit](v)} for key, v in layers.items()}
        return cls(unit, counted)

    @classmethod
    def load(cls, path):
        """Reads a table from JSON.

        Raises:
            ValueError: If the file is not a cost table.
            FileNotFoundError: If there is none.
        """
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            if content["unit"] not in UNITS:
                raise UserError(f"its unit is {content['unit']!r}")
            numbers = [entry["cost"] for entry in content["modules"].values()]
            gate = content.get("gate") or NO_GATE
            numbers += [gate["taken"], gate["not_taken"], content.get("remainder", 0)]
            overflow = content.get("overflow") or NO_OVERFLOW
            numbers += [overflow["above"], overflow["factor"]]
            if not all(map(math.isfinite, numbers)):
                raise UserError("a cost is not finite")
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"There is no cost table {path}: make one in milliseconds by `python "
                f"-m export.latency`, in another unit by `CostTable.count`."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path} is not a cost table ({error}). Expected JSON with a unit "
                f'({", ".join(UNITS)}) and modules, {{KEY: {{"cost": number}}}}.'
            ) from error
        known = ("unit", "modules", "gate", "remainder", "provenance", "overflow")
        return cls(**{name: content[name] for name in known if name in content})

    def save(self, path):
        """Writes the table as JSON; the file appears whole or not at all."""
        write_json(path, vars(self))

    def cost(self, module):
        """Returns the cost of a module.

        Raises:
            ValueError: If the table lacks it.
        """
        key = module_key(module.layer)
        if key not in self.modules:
            raise UserError(
                f"The cost table ({self.unit}, {len(self.modules)} modules) lacks "
                f"{module.name}, whose key is {key}. Make the table for this network: "
                f"the same sizes, branches and input shape."
            )
        return float(self.modules[key]["cost"])

"""CostTable: the cost of each module of a network, in one unit."""

import json
import pathlib
import reprlib
from typing import Any, Self

import keras

from tfdyn.costs import complexity
from tfdyn.errors import UserError
from tfdyn.files import write_json
from tfdyn.layers.modules import Module
from tfdyn.reading import read_json

COUNTS = {"macs": complexity.macs, "params": complexity.params}
UNITS = ("ms", *COUNTS)
NO_GATE = {"taken": 0.0, "not_taken": 0.0}
NO_OVERFLOW = {"above": 0.0, "factor": 0.0}
FIELDS = ("unit", "modules", "gate", "remainder", "provenance", "overflow")
# No cost is larger: sums of such costs are finite in float32.
LARGEST = 1e18
MEND = (
    "Expected a JSON object with a unit (one of ms, macs, params) and modules, "
    '{KEY: {"cost": number}}. Make the table anew with `python -m export.latency` or '
    "`CostTable.count`."
)
# Parts of a configuration that do not change a layer's cost. They are not in its key.
IGNORED = ("name", "trainable", "dtype", "seed", "module", "registered_name")
IGNORED_ENDINGS = ("_initializer", "_regularizer", "_constraint")


def module_key(layer: keras.Layer) -> str:
    """Returns the key of a built layer in cost tables.

    The key is a text of the layer's class, configuration and input shape. Layers that
    differ only in what does not change the cost, such as the name, have the same key.

    A layer that got further arguments has an attribute `added_arguments`: a dict of the
    values with which it is what it was before. Then its key is what it was before, too,
    and tables that were measured before stay valid.
    """
    config, added = layer.get_config(), getattr(layer, "added_arguments", {})
    config = {
        name: value
        for name, value in config.items()
        if name not in added or value != added[name]
    }
    config = json.dumps(_essential(config), sort_keys=True)
    shapes = list(layer.get_build_config().values())
    shapes = json.dumps(_essential(shapes[0] if len(shapes) == 1 else shapes))
    return f"{type(layer).__name__} {config} {shapes}"


def _essential(value):
    """Returns a configuration without the parts that do not change the cost."""
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
    """Holds the costs of modules, which were counted or measured on a device.

    Args:
        unit: Unit of all costs: "macs" (a number of MACs), "params" (a number of
            parameters) or "ms" (milliseconds for one image).
        modules: Mapping from each module's `module_key` to `{"cost": number, ...}`.
        gate: Cost of the gate of one branch, `{"taken": number, "not_taken": number}`:
            if the branch runs, and if it does not. By default 0.
        remainder: Cost of the parts of the network that are in no module.
        provenance: JSON object that describes how the table was made.
        overflow: `{"above": number, "factor": number}`. If the costs of the branches
            that run sum to more than `above`, the route costs more than this sum, for
            instance because the branches fill a cache of the device. The difference is
            `factor * (sum - above)`. By default 0.

    Attributes:
        unit, modules, gate, remainder, provenance, overflow: As the arguments.
        path: Path of the file that the table was read from, or `None`.
    """

    def __init__(
        self,
        unit: str,
        modules: dict[str, dict],
        gate: dict[str, float] | None = None,
        remainder: float = 0.0,
        provenance: dict[str, Any] | None = None,
        overflow: dict[str, float] | None = None,
    ):
        self.unit, self.modules = unit, modules
        self.gate, self.overflow = gate or NO_GATE, overflow or NO_OVERFLOW
        self.remainder, self.provenance = remainder, provenance or {}
        self.path = None
        if mistake := _mistake(self.content()):
            raise UserError(f"This is not a cost table: {mistake}.")

    @property
    def name(self) -> str:
        """The table's file, or "The cost table" if it was not read from one."""
        return "The cost table" if self.path is None else str(self.path)

    @classmethod
    def count(cls, modules: list[Module], unit: str = "macs") -> Self:
        """Returns a table of the MACs or parameters of a network's modules.

        Args:
            modules: Modules of the network, as from `find_modules`.
            unit: "macs" or "params".

        Raises:
            UserError: If a layer has an operation that no rule counts
                (`tfdyn.costs.complexity.macs`).
        """
        layers = {module_key(module.layer): module.layer for module in modules}
        count = COUNTS[unit]
        return cls(unit, {key: {"cost": count(v)} for key, v in layers.items()})

    @classmethod
    def load(cls, path: str | pathlib.Path) -> Self:
        """Reads a table from a JSON file that `save` wrote.

        Raises:
            UserError: If the file is not a cost table.
            OSError: If there is no such file (FileNotFoundError), or it cannot be read.
        """
        try:
            content = read_json(path, "a cost table", MEND)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"There is no cost table {path}. Make one in milliseconds with `python "
                f"-m export.latency`, or in another unit with `CostTable.count`."
            ) from error
        fields = {name: content[name] for name in FIELDS if name in content}
        if mistake := _mistake(fields):
            raise UserError(f"{path} is not a cost table: {mistake}. {MEND}")
        table = cls(**fields)
        table.path = path
        return table

    def content(self) -> dict:
        """Returns the table as a dict ready for JSON."""
        return {name: getattr(self, name) for name in FIELDS}

    def save(self, path: str | pathlib.Path) -> None:
        """Writes the table as JSON. The file appears whole or not at all.

        Raises:
            UserError: If a cost is not a number from 0 to 1e18, or all are 0: `load`
                would refuse the file.
            OSError: If the file cannot be written.
        """
        if mistake := _mistake(self.content()):
            raise UserError(
                f"{path} is not written: it would not be a cost table, for {mistake}."
            )
        write_json(path, self.content())

    def cost(self, module: Module) -> float:
        """Returns the cost of a module in the table's unit.

        Raises:
            UserError: If the table has no entry for the module.
        """
        key = module_key(module.layer)
        if key not in self.modules:
            raise UserError(
                f"{self.name} ({self.unit}, {len(self.modules)} modules) lacks "
                f"{module.name}, whose key is {key}. Make a table for this network, "
                f"with the same sizes, branches and input shape."
            )
        return float(self.modules[key]["cost"])


def is_number(value, largest: float = LARGEST) -> bool:
    """Returns whether a value is a finite number, and no boolean.

    Args:
        value: Anything, such as a value that was read from JSON.
        largest: Largest magnitude of the number.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and -largest <= value <= largest  # NaN is not.


def _mistake(content):
    """Returns what is wrong with the content of a cost table, or `None`."""
    unit, modules = content.get("unit"), content.get("modules")
    if not isinstance(unit, str) or unit not in UNITS:
        return f"its unit is {reprlib.repr(unit)}"
    if not isinstance(modules, dict) or not modules:
        return "its modules are no object with entries"
    if not isinstance(content.get("provenance") or {}, dict):
        return "its provenance is no object"
    costs = {f"the cost of {key[:200]}": entry for key, entry in modules.items()}
    costs = {
        name: entry.get("cost") if isinstance(entry, dict) else None
        for name, entry in costs.items()
    }
    others = {"remainder": content.get("remainder", 0)}
    for part, zeros in (("gate", NO_GATE), ("overflow", NO_OVERFLOW)):
        values = content.get(part) or zeros
        if not isinstance(values, dict):
            return f"its {part} is no object"
        others |= {f"{part}, {name}": values.get(name) for name in zeros}
    for name, cost in (costs | others).items():
        if not is_number(cost) or cost < 0:
            return f"{name} is {reprlib.repr(cost)}, not a number from 0 to 1e18"
    if not any(costs.values()):
        return "all its modules cost 0"
    return None

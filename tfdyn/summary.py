"""Parameters and MACs of a network: `python -m tfdyn.summary --flagfile=…`."""

from absl import flags

from tfdyn import commands
from tfdyn.families.settings import Settings
from tfdyn.settings import fields
from tfdyn.settings.fields import define_flags, from_flags

FLAGS = flags.FLAGS


def summary(model):
    """Counts a network with all its branches.

    Args:
        model: `RoutedModel`.

    Returns:
        A dict: `name`, `params`, `macs`, `router_params`, `router_macs`, and `parts`,
        a list of `{"name", "kind", "params", "macs"}`.
    """
    from tfdyn.costs.cost_table import CostTable

    macs = CostTable.count(model.modules, "macs")
    params = CostTable.count(model.modules, "params")
    parts = [
        {
            "name": module.name,
            "kind": module.kind,
            "params": int(params.cost(module)),
            "macs": int(macs.cost(module)),
        }
        for module in model.modules
    ]

    def total(unit, kind=None):
        return sum(part[unit] for part in parts if kind in (None, part["kind"]))

    return {
        "name": model.name,
        "params": total("params"),
        "macs": total("macs"),
        "router_params": total("params", "router"),
        "router_macs": total("macs", "router"),
        "parts": parts,
    }


def main():
    """Runs the command on the flags."""
    from tfdyn.data.dataset import shape_of
    from tfdyn.families.networks import build_network
    from tfdyn.runs.run_folder import RunFolder

    if FLAGS.run_dir:
        model = RunFolder(FLAGS.run_dir).load_model()
    else:
        settings = from_flags(Settings)
        shape, num_classes = shape_of(
            settings.dataset, settings.data_dir, settings.image_size
        )
        model = build_network(settings, shape, num_classes)
    content = summary(model)
    if FLAGS.json:
        commands.print_json(content)
    else:
        print(table(content))


def table(content):
    """Returns a summary as a table: a line for each cell and kind of part."""
    groups = {}
    for part in content["parts"]:
        where = part["name"].split("/")[0]
        key = (where, part["kind"]) if where != part["kind"] else (where, "")
        counts = groups.setdefault(key, [0, 0, 0])
        for index, number in enumerate((1, part["params"], part["macs"])):
            counts[index] += number
    lines = [f"{'':24}{'parts':>7}{'parameters':>14}{'MACs':>16}"]
    for (where, kind), (parts, params, macs) in groups.items():
        name = f"{where} {kind}".strip()
        lines.append(f"{name:24}{parts:7}{params:14,}{macs:16,}")
    parts = len(content["parts"])
    name = content["name"]
    lines.append(f"{name:24}{parts:7}{content['params']:14,}{content['macs']:16,}")
    return "\n".join(lines)


if __name__ == "__main__":
    define_flags(Settings)
    flags.adopt_module_key_flags(fields)  # so that --help lists them
    flags.DEFINE_string("run_dir", None, "Run folder to count, instead of the flags.")
    commands.define_json()
    commands.run(main)

"""Counts parameters and MACs of a network: `python -m tfdyn.summary --flagfile=…`."""

import dataclasses

from absl import flags

from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.settings import fields

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.costs.summary import summary, table
    from tfdyn.data.dataset import shape_of
    from tfdyn.families.networks import build_network
    from tfdyn.runs.finished import load

    if FLAGS.run_dir:
        _refuse_settings()
        model = load(FLAGS.run_dir)
    else:
        settings = fields.from_flags(Settings)
        shape, num_classes = shape_of(
            settings.dataset, settings.data_dir, settings.image_size
        )
        model = build_network(settings, shape, num_classes)
    content = summary(model)
    commands.report(content, table(content))


def _refuse_settings():
    """Refuses settings beside a run, which has its own.

    Raises:
        UserError: If there is one.
    """
    for field in dataclasses.fields(Settings):
        if FLAGS[field.name].present:
            flagfile = commands.flagfile_name()
            where = "" if commands.typed(field.name) else f" (in --flagfile={flagfile})"
            raise UserError(
                f"--{field.name}{where} and --run_dir exclude each other: the network "
                f"of a run is what was trained. Leave one of them out."
            )


if __name__ == "__main__":
    fields.define_flags(Settings)
    commands.define_run_dir(
        "Run folder, whose network is counted, instead of one that settings describe."
    )
    commands.define_json()
    for module in (fields, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)

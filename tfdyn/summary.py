"""Counts parameters and MACs of a network: `python -m tfdyn.summary --flagfile=…`."""

from absl import flags

from tfdyn import commands
from tfdyn.families.settings import Settings
from tfdyn.settings import fields

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.costs.summary import summary, table
    from tfdyn.data.dataset import shape_of
    from tfdyn.families.networks import build_network
    from tfdyn.runs.run_folder import load

    if FLAGS.run_dir:
        model = load(FLAGS.run_dir)
    else:
        settings = fields.from_flags(Settings)
        shape, num_classes = shape_of(
            settings.dataset, settings.data_dir, settings.image_size
        )
        model = build_network(settings, shape, num_classes)
    content = summary(model)
    commands.report(content, table(content))


if __name__ == "__main__":
    fields.define_flags(Settings)
    commands.define_run_dir(
        "Run folder. Its network is counted, and all settings in flags are ignored."
    )
    commands.define_json()
    for module in (fields, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)

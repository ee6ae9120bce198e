"""Makes a Keras model dynamic: `python -m tfdyn.wrap --model=FILE.keras`."""

import dataclasses
import pathlib
import sys
import types

from absl import flags

from tfdyn import commands, train
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.settings import fields

FLAGS = flags.FLAGS
# Defaults of this command, which differ from those of `tfdyn.train`: the weights of the
# model stay as they are, and little is trained.
DEFAULTS = {
    "network": "wrapped",
    "threshold": "0.9",
    "pretrain_epochs": 3,
    "finetune_epochs": 0,
    "pretrain_learning_rate": 0.05,
    "finetune_learning_rate": 0.01,
    "nesterov": True,
    "weight_decay": 1e-4,
}
OF_ROUTERS = {"noise_end": 0.0, "normalized_routers": True}


def main() -> None:
    """Runs the command on the flags."""
    routers = FLAGS.selection != "none" and not FLAGS.codebook
    for name, value in OF_ROUTERS.items() if routers else ():
        if not FLAGS[name].present:
            FLAGS[name].value = value
    settings = fields.from_flags(Settings)
    if not settings.model:
        raise UserError(
            "--model is missing: the .keras file of the model that is made dynamic."
        )
    if settings.network != "wrapped":
        raise UserError(
            f"--network={settings.network} is not --model={settings.model}: leave it "
            f"out, or train that network with `python -m tfdyn.train`."
        )
    if not FLAGS.describe:
        train.run(settings, f"wrapped_{pathlib.Path(settings.model).stem}")
        return
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.families.wrapped.describe import describe_graph
    from tfdyn.families.wrapped.original import load_graph

    description = describe_graph(load_graph(settings.model), settings.model)
    commands.report(dataclasses.asdict(description), str(description))


class _Callable(types.ModuleType):
    """Lets `tfdyn.wrap(model)` be called after this module was imported, too."""

    def __call__(self, model, *args, **kwargs):
        from tfdyn.families.wrapped.wrapping import wrap

        return wrap(model, *args, **kwargs)


if __name__ != "__main__":
    sys.modules[__name__].__class__ = _Callable
else:
    flags.DEFINE_bool(
        "describe", False, "List what of the model may be skipped, and train nothing."
    )
    commands.define_json()
    train.define_flags("runs/FLAGFILE, or runs/wrapped_MODEL without one")
    for name, value in DEFAULTS.items():
        FLAGS.set_default(name, value)
    for module in (fields, commands, train):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main, train.INTERRUPTED)

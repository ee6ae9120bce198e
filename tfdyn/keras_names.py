"""Names under which Keras finds the models of tfdyn in a file.

A class is registered when its module is imported, which tfdyn does only when one of its
names is used. So `import tfdyn` registers stand-ins, as soon as Keras is there. They
import the class that Keras asks for.
"""

import importlib
import importlib.util
import sys

MODELS = ("Codebook", "DMNN", "DRNet", "InstaNAS", "Wrapped")


def register() -> None:
    """Registers stand-ins for the models, now or as soon as Keras is imported."""
    if sys.modules.get("keras"):
        _register()
    else:
        sys.meta_path.insert(0, _KerasFinder())


def _register():
    names = importlib.import_module("keras").saving.get_custom_objects()
    for model in MODELS:
        names.setdefault(f"tfdyn>{model}", _stand_in(model))


def _stand_in(model):
    """Returns a class with the one method that Keras calls on a class of a file."""

    def from_config(config):
        return getattr(importlib.import_module("tfdyn"), model).from_config(config)

    return type(model, (), {"from_config": staticmethod(from_config)})


class _KerasFinder:
    """Finds Keras as Python does, and calls `_register` once it is imported."""

    searching = False

    def find_spec(self, name, path=None, target=None):
        if name != "keras" or self.searching:
            return None
        self.searching = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.searching = False
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                if self in sys.meta_path:
                    sys.meta_path.remove(self)
                _register()

            spec.loader.exec_module = exec_module
        return spec

"""Keras finds the models of tfdyn in a file after `import tfdyn` alone."""

import os
import subprocess
import sys

import keras
import pytest
from paths import ROOT
from tiny_networks import IMAGES, assert_same, make, make_dmnn, make_instanas, run

from tfdyn import keras_names
from tfdyn.families.networks import FAMILIES


def test_the_models_of_all_families_are_named():
    models = [family.model.__name__ for family in FAMILIES]
    assert sorted(keras_names.MODELS) == sorted([*models, "Codebook"])


@pytest.mark.parametrize("make", [make, make_dmnn, make_instanas])
def test_a_stand_in_loads_the_model(make, tmp_path, monkeypatch):
    model = make()
    model.save(tmp_path / "model.keras")
    names = keras.saving.get_custom_objects()
    name = f"tfdyn>{type(model).__name__}"
    monkeypatch.delitem(names, name)
    with pytest.raises(TypeError, match="Could not locate class"):
        keras.saving.load_model(tmp_path / "model.keras")
    keras_names.register()
    assert names[name] is not type(model)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_same(run(loaded, IMAGES), run(model, IMAGES))


def test_names_that_are_registered_stay():
    names = dict(keras.saving.get_custom_objects())
    keras_names.register()
    assert keras.saving.get_custom_objects() == names


CODE = """
import importlib.util, sys
import tfdyn
assert importlib.util.find_spec("keras") and "keras" not in sys.modules
import keras
print(type(keras.saving.load_model(sys.argv[1])).__name__)
"""


def test_keras_may_be_imported_after_tfdyn(tmp_path):
    make().save(tmp_path / "model.keras")
    done = subprocess.run(
        [sys.executable, "-c", CODE, tmp_path / "model.keras"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout == "DRNet\n", done.stderr

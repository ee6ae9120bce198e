"""Cases of model files that are foreign, hostile, or changed in a few bytes."""

import json
import zipfile

import keras
import numpy as np
from hostile.broken_files import CLASSIFY, EVALUATE, SUMMARY, TFLITE
from hostile.case import Case

KERAS = "run/model.keras"
LITE = "run/export/model.tflite"
RUN = ("run",)


def _rewritten(change):
    """A change of the members of a model.keras."""

    def prepare(folder):
        path = folder / KERAS
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        change(members)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)

    return prepare


def _config(change):
    def of_members(members):
        config = json.loads(members["config.json"])
        config = change(config) or config
        members["config.json"] = json.dumps(config).encode()

    return _rewritten(of_members)


def _set(*path, value):
    def change(config):
        place = config
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return _config(change)


def _foreign(make):
    def prepare(folder):
        (folder / KERAS).unlink()
        make().save(folder / KERAS)

    return prepare


def _dense():
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])


def _lambda():
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Lambda(len)])


def _nan_weights(folder):
    from tfdyn.runs.finished import load

    model = load(folder / "run")
    model.weights[0].assign(model.weights[0] * float("nan"))
    model.save(folder / KERAS)


def _member(name, content):
    def change(members):
        members[name] = content

    return change


# Members of a model.keras, refused.
KERAS_CASES = {
    "another network": _foreign(_dense),
    "a Lambda": _foreign(_lambda),
    "NaN weights": _nan_weights,
    "no weights": _rewritten(lambda m: m.pop("model.weights.h5")),
    "no config": _rewritten(lambda m: m.pop("config.json")),
    "a member more": _rewritten(_member("assets/x.py", b"print(1)")),
    "a member that leads out": _rewritten(_member("../../x", b"x")),
    "a bomb": _rewritten(_member("config.json", bytes(2**28))),
    "a bomb of weights": _rewritten(_member("model.weights.h5", bytes(2**31))),
    "weights of noise": _rewritten(_member("model.weights.h5", b"x" * 5000)),
    "config of noise": _rewritten(_member("config.json", b"\xff\xfe{")),
    "deep config": _rewritten(_member("config.json", b"[" * 100_000)),
    "config null": _rewritten(_member("config.json", b"null")),
    "config a list": _rewritten(_member("config.json", b"[]")),
    "another class": _set("registered_name", value="tfdyn>Nothing"),
    "a Keras class": _set("registered_name", value="keras.layers>Lambda"),
    "no config inside": _config(lambda config: {**config, "config": {}}),
    "config a text": _config(lambda config: {**config, "config": "x"}),
    **{
        f"{key}={value!r}": _set("config", key, value=value)
        for key, values in {
            "num_cells": (0, -1, 100_000, "two", None, 1.5, 2, []),
            "num_nodes": (0, -1, 100_000, "two", 3),
            "filters": (0, -4, 10**9, "x", 8, 1.5),
            "num_classes": (0, -1, 10**9, "ten", 3),
            "input_shape": ([], [8, 8], [0, 0, 1], [10**6, 10**6, 1], "x", [8, 8, 3]),
            "branches": ([], ["bogus"], "sep", [1, 2], ["sep_conv_3x3"] * 1000),
            "selection": ("bogus", None, 5),
            "threshold": (0, -1, 2, "x", [0.5] * 9),
            "temperature": (0, -1, "x"),
            "inputs_per_node": (0, -1, 99, "x"),
        }.items()
        for value in values
    },
}


def _flipped(name, seed, count):
    def prepare(folder):
        path = folder / name
        content = bytearray(path.read_bytes())
        rng = np.random.default_rng(seed)
        for place in rng.integers(0, len(content), count):
            content[place] ^= int(rng.integers(1, 256))
        path.write_bytes(content)

    return prepare


def _foreign_lite(folder):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 1), tf.float32)])
    def call(image):
        return image * 2

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [call.get_concrete_function()]
    )
    (folder / LITE).write_bytes(converter.convert())


def cases():
    """Yields the cases."""
    for title, prepare in KERAS_CASES.items():
        for command in (EVALUATE, SUMMARY) if "=" in title else (EVALUATE, TFLITE):
            yield Case(
                "hostile model.keras",
                f"{title}, {command[0]}",
                command,
                ("model.keras",),
                RUN,
                prepare,
            )
    for seed in range(60):
        for name, command in ((KERAS, EVALUATE), (LITE, CLASSIFY)):
            yield Case(
                "changed bytes",
                f"{name}, {seed}",
                command,
                (name, name.rsplit("/", 1)[-1]),
                (*RUN, "image.png"),
                _flipped(name, seed, 1 + seed % 20),
                "refused" if name == KERAS else "either",
            )
    yield Case(
        "hostile model.tflite",
        "another network",
        CLASSIFY,
        (LITE,),
        (*RUN, "image.png"),
        _foreign_lite,
    )

"""Browser latency: what is measured, and what is made of it; never how long it took."""

import contextlib

import keras
import numpy as np
from tiny_networks import make
from tiny_settings import tiny_settings

from benchmarks import browser_latency
from export.source import Source
from tfdyn.data.input_format import InputFormat

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), "uint8")


class Device:
    """A device on which a form takes as many ms as its name has letters."""

    name = "browser-test"

    def describe(self):
        return {"device": self.name}

    @contextlib.contextmanager
    def session(self, files, inputs):
        assert all(np.shape(row["image"]) == (8, 8, 1) for row in inputs.values())
        yield lambda key, runs: float(len(key[0]))


def test_three_forms_on_two_machines():
    keras.utils.set_random_seed(0)
    model = make(num_cells=1, num_nodes=1, branches=("sep_conv_3x3", "skip_connection"))
    form = InputFormat(("a", "b", "c"), (8, 8, 1), (0.5,), (0.25,))
    source = Source("tiny", model.for_inference(), form, tiny_settings(), None)
    content = browser_latency.measure(source, Device(), IMAGES, most=2)
    assert content["images"] == 2 and content["rounds"] == 2
    expected = {"routed": 6.0, "all_branches": 12.0, "fixed": 5.0}
    assert content["ms"]["browser-test"] == expected
    assert all(ms > 0 for ms in content["ms"]["host"].values())
    assert "browser-test   6.000" in browser_latency.table(content)

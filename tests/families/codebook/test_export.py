"""Codebooks of all families as files for phones, compared with Keras."""

import numpy as np
import pytest
from tiny_codebooks import BASES, differ, random_codebook, telling_threshold

from export.tflite import convert_model
from tfdyn.data.input_format import InputFormat

FORMAT = InputFormat(("cat", "dog", "fox"), (8, 8, 1), (0.5,), (0.25,))
SMALLER = {"drnet": {"num_nodes": 1}}


@pytest.mark.slow
@pytest.mark.parametrize("name", BASES)
def test_the_file_runs_the_routes_that_keras_runs(name, tmp_path):
    codebook = random_codebook(BASES[name](**SMALLER.get(name, {})))
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), "uint8")
    normalized = FORMAT.normalize(images)
    differ(codebook, normalized)
    threshold = telling_threshold(codebook, normalized)
    path = tmp_path / "model.tflite"
    entry = convert_model(codebook, path, FORMAT, threshold, images=images)
    assert entry["images"] == entry["same_top1"] == entry["same_route"] == 12
    assert entry["operations"]["IF"] and entry["bytes"] == path.stat().st_size

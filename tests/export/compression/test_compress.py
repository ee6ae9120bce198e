"""export.compress: full-integer files of one route, and what it refuses.

"prune" is a part of "prune+qat", and is converted as "cluster" is.
"""

import json
import re

import in_process
import numpy as np
import pytest
from tiny_runs import untrained_run

from export.graph.flatbuffer import Flatbuffer
from export.interpreter import Interpreter
from export.runtime import Classifier

SHORT = ("--epochs=1", "--train_images=64", "--batch_size=32", "--test_images=32")
SHORT = (*SHORT, "--calibration_images=32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compressed")


@pytest.fixture(scope="module")
def wide_run(tiny_run, tmp_path_factory):
    """A run with kernels of 1,000 weights and more: smaller ones are not pruned."""
    folder = tmp_path_factory.mktemp("wide") / "run"
    return untrained_run(folder, tiny_run.input_format(), filters=32)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["qat", "cluster", "prune+qat"])
def test_writes_a_full_integer_file(method, wide_run, folder):
    run = (f"--run_dir={wide_run.path}", f"--export_dir={folder}", "--json")
    more = ["--sparsity=0.75"] if "prune" in method else []
    more += ["--int8_io"] if method == "prune+qat" else []
    done = in_process.run("export.compress", *run, f"--method={method}", *SHORT, *more)
    assert done.status == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["images"] == 32 and content["method"] == method
    assert content["result"]["rebuilt_difference"] < 1e-3
    stages = [row["stage"] for row in content["result"]["history"]]
    assert stages == method.split("+")
    path = folder / f"model.fixed.{method.replace('+', '_')}.tflite"
    assert content["file"] == str(path)
    file = Flatbuffer(path.read_bytes())
    assert {(w, x) for _, _, w, x in file.convolutions()} == {("INT8", "INT8")}
    assert "IF" not in file.operations
    interpreter = Interpreter(path)
    dtype = "int8" if more[1:] else "uint8"
    assert interpreter.inputs["image"].dtype == dtype
    outputs = interpreter()
    assert set(outputs) == {"logits", "probabilities", "macs", "route"}
    if "prune" in method:
        assert content["result"]["sparsity"] == pytest.approx(0.75, abs=0.02)
    entry = json.loads((folder / "manifest.json").read_text())["files"][path.name]
    assert entry["compression"]["method"] == method
    assert ("quantization" in entry) == (dtype == "int8")
    image = np.zeros((8, 8, 1), "uint8")
    assert Classifier(path)(image).macs[0] == outputs["macs"][0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--method must have a value|--method"),
        (("--method=qat", "--untrained"), "no data to train on"),
        (("--method=qat", "--sparsity=0.5"), "--sparsity is for --method=prune"),
        (("--method=qat", "--clusters=8"), "--clusters is for --method=cluster"),
        (("--method=qat", "--route=r", "--image=x"), "--route and --image exclude"),
        (("--method=qat", "--route=r", "--threshold=1"), "no effect with --route"),
        (("--method=qat", "--codebook_route=1"), "has no codebook"),
        (("--method=qat", "--route=gone.json"), "gone.json"),
        (("--method=qat", "--data_dir=gone"), "gone"),
        (("--method=qat", "--batch_size=5000", *SHORT[:2]), "--batch_size=5000"),
    ],
)
def test_refuses_in_one_line(words, message, tiny_run, tmp_path):
    run = (f"--run_dir={tiny_run.path}", f"--export_dir={tmp_path / 'files'}")
    done = in_process.run("export.compress", *run, *words)
    assert done.status != 0
    assert re.search(message, done.stderr), done.stderr
    assert not list(tmp_path.rglob("*qat*"))

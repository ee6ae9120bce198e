"""docs/your-own-model.md: every line that it shows is run."""

import re
import shlex

import in_process
import numpy as np
import pytest
from paths import ROOT
from PIL import Image

from benchmarks.plain_resnet import resnet

PAGE = (ROOT / "docs/your-own-model.md").read_text(encoding="utf-8")
SIZE = 32
# What makes the examples small: the page has the left side.
SMALLER = {
    'weights="imagenet"': f"alpha=0.35, input_shape=({SIZE},) * 2 + (3,), "
    "weights=None, classes=2",
    "(224, 224, 3)": f"({SIZE}, {SIZE}, 3)",
    "epochs=3": "epochs=1",
    "batch_size=128": "batch_size=4",
}


def blocks(language):
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for name, text in fences if name == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model and pictures of two classes."""
    folder, random = tmp_path_factory.mktemp("page"), np.random.default_rng(0)
    for split, count in (("train", 20), ("test", 4)):
        for label, name in enumerate(("dark", "light")):
            (folder / "photos" / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = random.integers(0, 128, (SIZE, SIZE, 3)) + 127 * label
                picture = Image.fromarray(pixels.astype("uint8"))
                picture.save(folder / "photos" / split / name / f"{index}.png")
    resnet(8, (SIZE, SIZE, 3), num_classes=2).save(folder / "my_model.keras")
    return folder


def test_the_lines_of_python(tmp_path, monkeypatch):
    (code,) = blocks("python")
    for text, smaller in SMALLER.items():
        assert text in code
        code = code.replace(text, smaller)
    monkeypatch.chdir(tmp_path)
    names = {
        "images": np.random.default_rng(0).uniform(-1, 1, (8, SIZE, SIZE, 3)),
        "labels": np.arange(8) % 2,
        "class_names": ("no", "yes"),
    }
    exec(compile(code, "your-own-model.md", "exec"), names)
    assert (tmp_path / "phone/model.tflite").stat().st_size > 1e5
    assert (tmp_path / "phone/model.json").exists()


def test_the_commands(folder):
    lines = [line for block in blocks("") for line in block.splitlines() if line]
    assert len(lines) == 5
    for line in lines:
        python, m, module, *words = shlex.split(line)
        assert (python, m) == ("python", "-m")
        words = [word.replace("--image_size=224", "--image_size=32") for word in words]
        if "--dataset=folder" in words:
            words += ["--pretrain_epochs=1", "--batch_size=8", "--noevaluate"]
            words += ["--validation_share=0.4"]
        words = [word.replace("accuracy=0.9", "accuracy=0.1") for word in words]
        done = in_process.run(module, *words, cwd=folder)
        assert done.status == 0, f"{line}\n{done.stderr}"
        if "--describe" in words:
            assert "blocks may be skipped" in done.stdout
    run = folder / "runs/wrapped_my_model"
    assert (run / "export/model.tflite").exists() and (run / "export/android").exists()


def test_every_flag_of_the_table_is_one():
    done = in_process.run("tfdyn.wrap", "--helpfull")
    for name in re.findall(r"^\| `--(\w+)=", PAGE, re.MULTILINE):
        assert f"--{name}" in done.stdout.replace("[no]", "")

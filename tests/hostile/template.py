"""The files that cases begin with: a run and its exports, a half run, images."""

import json
import shutil

import numpy as np
from in_process import run
from PIL import Image

TINY = """--network=drnet_tiny
--num_cells=1
--num_nodes=1
--filters=4
--branches=sep_conv_3x3,skip_connection
--dataset=digits
--noflip
--batch_size=128
--pretrain_epochs=1
--finetune_epochs=1
--drop_branch=0.2
"""
CATEGORIES = {"even": ["0", "2", "4", "6", "8"], "odd": ["1", "3", "5", "7", "9"]}


def make(folder):
    """Makes the template.

    It holds `run/`, a finished training with exports, a latency table and an
    evaluation; `half/`, the same training, stopped after its first epoch; `photos/`, a
    folder of images, and `photo_run/`, a training on it; and the files that flags name.

    Args:
        folder: Path of a new folder.
    """
    folder.mkdir(parents=True)
    (folder / "tiny.flags").write_text(TINY)
    _run(folder, "tfdyn.train", "--flagfile=tiny.flags", "--run_dir=run")
    _half(folder)
    _run(folder, "export.tflite", "--run_dir=run", "--check_images=8")
    _run(folder, "export.latency", "--run_dir=run", "--rounds=2")
    shutil.copy(folder / "run/latency.host.json", folder / "table.json")
    for name in ("checkpoints", "tensorboard"):
        shutil.rmtree(folder / "run" / name)
    (folder / "categories.json").write_text(json.dumps(CATEGORIES))
    rng = np.random.default_rng(0)
    for index in range(16):
        for name, low in (("cat", 0), ("dog", 128)):
            pixels = rng.integers(low, low + 128, (16, 16, 3), np.uint8)
            path = folder / f"photos/{name}/{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    words = (
        "--dataset=folder",
        "--data_dir=photos",
        "--image_size=16",
        "--batch_size=2",
    )
    tiny = ("--flagfile=tiny.flags", "--noevaluate")
    _run(folder, "tfdyn.train", *tiny, *words, "--run_dir=photo_run")
    shutil.rmtree(folder / "photo_run/tensorboard")
    Image.fromarray(pixels[:8, :8]).save(folder / "image.png")
    from tfdyn.families.codebook import routes_file
    from tfdyn.runs.finished import load

    spec = load(folder / "run").route_spec
    route = spec.to_json(spec.all_branches()[0])
    (folder / "route.json").write_text(json.dumps(route))
    flat = np.tile(np.eye(2, dtype="float32"), spec.size // 2)
    routes_file.save(folder / "codebook.json", flat, [0.5, 1.0], spec, "drnet_tiny")


def _half(folder):
    """Makes `half/` of `run/`: what lies there after the first epoch."""
    shutil.copytree(folder / "run", folder / "half")
    for path in (folder / "half").glob("checkpoints/epoch-2.*"):
        path.unlink()
    for name in ("model.keras", "best.keras", "evaluation.json", "evaluation.png"):
        (folder / "half" / name).unlink()
    metrics = folder / "half/metrics.csv"
    first_lines = metrics.read_text().splitlines(keepends=True)[:2]
    metrics.write_text("".join(first_lines))


def _run(folder, *words):
    result = run(*words, cwd=folder)
    assert result.status == 0, f"{words}: {result.stdout}{result.stderr}"

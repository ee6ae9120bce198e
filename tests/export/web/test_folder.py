"""The web folder: whole and checked, or none."""

import gzip
import json

import browsing
import numpy as np
import pytest
from PIL import Image
from tiny_networks import make, make_dmnn

from export import source as sources
from export.graph.form import Form
from export.interpreter import Interpreter
from export.web import folder as folder_module
from tfdyn.data.input_format import InputFormat


def test_what_is_in_the_folder(exported, source):
    folder, content = exported
    assert folder == source.folder / "web"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    templates = {path.name for path in folder_module.TEMPLATES.iterdir()}
    assert names - templates == {
        *("model.tflite.gz", "model.all_branches.tflite.gz", "model.fixed.tflite.gz"),
        *("model.json", "manifest.json", "network.json", "images.png", ".tfdyn-files"),
        *("runtime.js", "timing.js", "litert/core.js", "litert/wasm_utils.js"),
        *(f"litert/{b}.{e}.gz" for b in ("relaxed", "compat") for e in ("js", "wasm")),
    }
    assert templates < names
    assert json.loads((folder / "network.json").read_text()) == content
    worker = (folder / "service_worker.js").read_text()
    assert "FILES" in worker and '"VERSION"' not in worker
    assert '"model.tflite.gz"' in worker and '"litert/core.js"' in worker
    assert "relaxed.wasm" not in worker  # Each browser needs one build only.


def test_each_image_has_the_answer_of_the_file(exported, images, tmp_path):
    folder, content = exported
    packed = (folder / content["models"]["routed"]["file"]).read_bytes()
    (tmp_path / "model.tflite").write_bytes(gzip.decompress(packed))
    model = Interpreter(tmp_path / "model.tflite")
    sheet = np.asarray(Image.open(folder / "images.png"))
    items, columns = content["images"]["items"], content["images"]["columns"]
    assert len(items) == len(images[0]) == content["images"]["of"]
    for index, item in enumerate(items):
        top, left = 8 * (index // columns), 8 * (index % columns)
        image = sheet[top : top + 8, left : left + 8]
        outputs = model(image=image, threshold=content["threshold"]["value"])
        assert item["macs"] == outputs["macs"][0]
        best = outputs["probabilities"].argmax()
        assert item["predicted"] == content["labels"][best]
    assert [item["macs"] for item in items] == sorted(item["macs"] for item in items)


def test_the_drawing_is_that_of_the_network(exported, source):
    _, content = exported
    spec = source.model.route_spec
    edges = [edge for graph in content["graphs"] for edge in graph["edges"]]
    assert [edge["name"] for edge in edges] == list(spec.branches)
    assert [edge["first"] for edge in edges] == [
        sum(spec.sizes[:index]) for index in range(len(spec.sizes))
    ]
    macs = sum(branch["macs"] for edge in edges for branch in edge["branches"])
    total = content["macs"]["always"] + macs
    assert total == pytest.approx(content["macs"]["all_branches"], rel=1e-6)


def test_no_litert_js_leaves_nothing(elsewhere, images, tmp_path):
    with pytest.raises(ValueError, match="/no is no folder: name one"):
        folder_module.export_web(elsewhere, Form(), *images, packages=tmp_path / "no")
    assert list(tmp_path.iterdir()) == []
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="There is no file"):
        folder_module.export_web(elsewhere, Form(), *images, packages=empty)
    assert list(tmp_path.iterdir()) == [empty]


def test_a_folder_of_another_is_not_replaced(elsewhere, images, tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web/index.html").touch()
    with pytest.raises(ValueError, match="web holds .*choose another"):
        folder_module.export_web(elsewhere, Form(), *images)


def test_images_that_no_page_shows(elsewhere):
    wide = InputFormat(tuple("abc"), (8, 8, 4), (0.5,) * 4, (0.2,) * 4)
    model = make_dmnn(input_shape=(8, 8, 4))
    source = sources.from_model(model, wide, elsewhere.folder)
    with pytest.raises(ValueError, match="1 or 3 channels"):
        folder_module.export_web(source, Form(), np.zeros((1, 8, 8, 4), "uint8"))


def test_a_network_without_routers_gets_no_slider(elsewhere, tmp_path):
    packages = browsing.fake_litert_js(tmp_path / "packages")
    format_ = InputFormat(tuple("abc"), (8, 8, 1), (0.5,), (0.2,))
    model = make(num_cells=1, num_nodes=1, selection="none")
    source = sources.from_model(model, format_, tmp_path / "export")
    noise = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), "uint8")
    _, content = folder_module.export_web(
        source, Form(threshold_input=True), noise, packages=packages
    )
    threshold = {"value": 1.0, "is_input": False, "has_routers": False}
    assert content["threshold"] == threshold
    assert content["images"]["are_noise"] and content["accuracy"] is None

"""Android page: the template, filled in for a network."""

import dataclasses
import itertools
import pathlib
import re

import kotlin
import pytest
from tiny_settings import tiny_settings

from export import source as sources
from export.android import page as android_page
from export.android.folder import TEMPLATES
from export.graph.form import Form

ROW = {"index": 7, "label": None, "predicted": "3", "branches": 2, "macs": 1.5e6}
NAMES = ("light", "median", "heavy")
# The calls of Android and LiteRT that the page makes: their APIs are in no registry.
SIGNATURES = pathlib.Path(__file__).with_name("signatures")


@pytest.fixture(scope="module")
def source():
    return sources.untrained(tiny_settings(), "tiny")


def page(source, **form):
    form = Form(threshold=0.7, **form)
    content = {"of": 9, "labelled": True, "threshold": 0.7, "fixed_route_share": 0.5}
    content["inputs"] = dict.fromkeys(NAMES, ROW)
    entries = {"routed": {"precision": "float32", "bytes": 1234567}}
    return android_page.page(TEMPLATES / "README.md", source, form, entries, content)


@pytest.mark.parametrize("threshold_input", [False, True])
@pytest.mark.parametrize("preprocess", [False, True])
def test_the_page_of_each_form(source, threshold_input, preprocess):
    text = page(source, threshold_input=threshold_input, preprocess=preprocess)
    assert "{{" not in text and not re.search(r"^\?\w", text, re.MULTILINE)
    assert "\n\n\n" not in text and text.count("```") % 2 == 0
    assert text.count("{") == text.count("}") and text.count("(") == text.count(")")
    assert ("threshold" in text.partition("## In an app")[2]) == threshold_input
    assert ("writeInt8(pixels" in text) == preprocess
    assert ("fun pixels(image: Bitmap): FloatArray" in text) == (not preprocess)
    assert ("- mean[0]) / std[0]" in text) == (not preprocess)
    assert ("val std = floatArrayOf(" in text) == (not preprocess)
    assert "= (299 * red" in text and "[3 * i]" not in text  # Digits are gray.
    # Only a mutable copy can be drawn on.
    order = "copy(", "drawColor(Color.WHITE, PorterDuff.Mode.DST_OVER)", "getPixels("
    places = [text.index(part) for part in order]
    assert places == sorted(places) and "ARGB_8888, true)" in text
    for name in ("Bitmap", "Canvas", "Color", "PorterDuff"):
        assert f"import android.graphics.{name}\n" in text
    assert "not trained" in text and "noise" in text
    assert "`model.tflite` | each image runs" in text and "(1.23 MB)" in text
    assert "Neither the script nor the code below has been run on a phone" in text


def test_the_page_of_int8_inputs_and_outputs(source):
    text = page(source, int8_io=True)
    assert "{{" not in text and not re.search(r"^\?\w", text, re.MULTILINE)
    assert "values[i] = (gray - 128).toByte()" in text and "ByteArray" in text
    assert 'val logits = outputs.getValue("logits").readInt8()' in text
    assert "writeInt8(pixels" in text and "copies the bytes unchanged" in text
    assert "val logits = ByteBuffer.allocate(10)" in text
    assert '"logits" to logits, "macs" to macs' in text
    assert "int8: the value from 0 to 255, less 128" in text
    assert "`probabilities` means `(b + 128) / 256f`" in text
    assert "outputs are float32, with" not in text
    assert "outputs are float32, with" in page(source)


def in_color(source):
    names = tuple(f"class {index}" for index in range(1000))
    form = dataclasses.replace(
        source.input_format,
        class_names=names,
        shape=(24, 32, 3),
        mean=(0, 0.5, 0),
        std=(1, 0.25, 1),
    )
    return dataclasses.replace(source, input_format=form)


def test_pictures_of_three_channels_and_many_classes(source):
    text = page(in_color(source))
    assert "createScaledBitmap(image, 32, 24, true)" in text
    assert "values[3 * i + 2] = blue.toByte()" in text and "299 * red" not in text
    assert "the 1000 labels" in text and "class 2, …" in text


def test_a_mark_leaves_out_its_line():
    text = "a {{one}}\n?so b\n?not_so c\n\n?not_so d\n\ne? no\n"
    filled = android_page.fill(text, {"one": 1}, {"so": True, "not_so": False})
    assert filled == "a 1\nb\n\ne? no\n"


def kotlin_of(text, package):
    """The Kotlin of a page as one file, as a reader would put it together."""
    blocks = re.findall(r"```kotlin\n(.*?)```", text, re.DOTALL)
    *whole, last = (re.sub(r"^import .*\n", "", each, flags=re.M) for each in blocks)
    imports = dict.fromkeys(re.findall(r"^import .*", "\n".join(blocks), re.M))
    # The last block stands in a function of an app.
    last = (
        f"fun classify(context: Context, image: Bitmap): Int {{\n{last}\nreturn best }}"
    )
    return "\n".join([f"package {package}", *imports, *whole, last])


@pytest.mark.slow
def test_the_kotlin_of_every_page_compiles(source, tmp_path):
    images = {"preprocess": False}, {}, {"int8_io": True}
    forms = itertools.product((source, in_color(source)), (False, True), images)
    files = []
    for number, (each, threshold_input, image) in enumerate(forms):
        text = page(each, threshold_input=threshold_input, **image)
        files.append(tmp_path / f"page{number}.kt")
        files[-1].write_text(kotlin_of(text, f"page{number}"), encoding="utf-8")
    try:
        errors = kotlin.compile_kotlin([*files, *SIGNATURES.glob("*.kt")], tmp_path)
    except kotlin.UnavailableError as reason:
        pytest.skip(str(reason))
    assert not errors
    # The compiler does read the page: a mistake in it is found.
    wrong = (
        files[0].read_text("utf-8").replace("writeFloat(pixels(", "writeInt8(pixels(")
    )
    files[0].write_text(wrong, encoding="utf-8")
    errors = kotlin.compile_kotlin([files[0], *SIGNATURES.glob("*.kt")], tmp_path)
    assert "page0.kt" in errors and "argument type mismatch" in errors.lower()

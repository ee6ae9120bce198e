"""The page in a real browser: somebody clicks through it."""

import gzip
import os

import browsing
import numpy as np
import pytest
from PIL import Image

from export.browser import litert_js


@pytest.fixture(scope="module")
def page(exported, tmp_path_factory):
    """The page with the real LiteRT.js in a browser, and what is in the folder."""
    folder, content = exported
    browsing.find_chromium()
    packages = browsing.get_litert_js(tmp_path_factory.mktemp("npm"))
    whole = tmp_path_factory.mktemp("page") / "web"
    whole.mkdir()
    for path in folder.iterdir():
        if path.is_file():
            (whole / path.name).write_bytes(path.read_bytes())
    litert_js.copy_runtime(whole / "litert", packages)
    profile = tmp_path_factory.mktemp("profile")
    with (
        browsing.served(whole) as address,
        browsing.opened(profile, *browsing.CAMERA) as browser,
    ):
        browser.get(address)
        browsing.wait_until(lambda: is_ready(browser))
        assert text_of(browser, "problem") == ""
        yield browser, content, whole


def is_ready(browser):
    ready = browser.execute_script("return document.documentElement.dataset.ready")
    return ready in ("all", "failed")


def text_of(browser, identifier):
    script = "return document.getElementById(arguments[0]).textContent"
    return browser.execute_script(script, identifier)


def click(browser, identifier):
    browser.find_element("id", identifier).click()


def set_threshold(browser, value):
    browser.execute_script(
        "const slider = document.getElementById('threshold'); slider.value = "
        "arguments[0]; slider.dispatchEvent(new Event('input'))",
        value,
    )


def test_every_image_has_the_class_of_the_file(page):
    browser, content, _ = page
    for index, item in enumerate(content["images"]["items"][:6]):
        browser.find_elements("css selector", "#sheet button")[index].click()
        what = f"Test image {index + 1} "
        browsing.wait_until(lambda what=what: what in text_of(browser, "what"))
        browsing.wait_until(
            lambda item=item: text_of(browser, "class") == item["predicted"]
        )
    label = content["images"]["items"][5]["label"]
    assert text_of(browser, "truth") in ("✓ right", f"✗ it is: {label}")


def test_the_slider_moves_the_route(page):
    browser, content, _ = page
    branches = sum(len(e["branches"]) for g in content["graphs"] for e in g["edges"])
    set_threshold(browser, 1)
    all_of_them = f"{branches}of {branches}"
    browsing.wait_until(lambda: text_of(browser, "branches") == all_of_them)
    assert "100 %" in text_of(browser, "macs")
    assert len(browser.find_elements("css selector", ".branch.on")) == branches
    set_threshold(browser, 0.01)
    browsing.wait_until(lambda: text_of(browser, "branches") != all_of_them)
    drawn = len(browser.find_elements("css selector", ".branch.on"))
    assert text_of(browser, "branches") == f"{drawn}of {branches}"
    assert f"{drawn} of {branches} run" in text_of(browser, "route_text")
    listed = browser.execute_script("return route_list.children.length")
    assert listed == drawn
    click(browser, "reset")
    browsing.wait_until(lambda: text_of(browser, "t") == "0.7")


def test_the_tour_and_three_ways(page):
    browser, content, _ = page
    click(browser, "hardest")
    browsing.wait_until(lambda: "the hardest" in text_of(browser, "what"))
    click(browser, "surprise")
    browsing.wait_until(lambda: "the hardest" not in text_of(browser, "what"))
    click(browser, "easiest")
    browsing.wait_until(lambda: "the easiest" in text_of(browser, "what"))
    ways = "return [...ways.children].map(row => row.innerText)"
    rows = browsing.wait_until(
        lambda: [row for row in browser.execute_script(ways) if "ms" in row]
    )
    assert len(rows) == 3 and rows[0].startswith("routed")


def test_the_histogram(page):
    browser, content, _ = page
    click(browser, "measure")
    count = len(content["images"]["items"])
    text = f"Medians of {count} images at T=0.7"
    browsing.wait_until(lambda: text_of(browser, "measured").startswith(text))
    drawing = browser.find_element("css selector", "#histogram svg")
    assert f"{count} images" in drawing.get_attribute("aria-label")


def test_a_file_and_one_that_is_broken(page, tmp_path):
    browser, *_ = page
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG and then nothing")
    browser.find_element("id", "file").send_keys(str(broken))
    said = browsing.wait_until(lambda: text_of(browser, "problem"))
    assert said == (
        "broken.png is no image that this page can read. Choose a PNG or JPEG."
    )
    photo = tmp_path / "photo.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (300, 200, 3), "uint8")
    Image.fromarray(pixels).save(photo)
    browser.find_element("id", "file").send_keys(str(photo))
    browsing.wait_until(lambda: "photo.jpg" in text_of(browser, "what"))
    problem = browser.find_element("id", "problem")
    browsing.wait_until(lambda: not problem.is_displayed())


def test_something_is_dropped(page):
    browser, *_ = page
    browser.execute_script(
        "const data = new DataTransfer();"
        "data.items.add(new File(['no image'], 'notes.txt', {type: 'text/plain'}));"
        "dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: true}))"
    )
    browsing.wait_until(lambda: "notes.txt is no image" in text_of(browser, "problem"))
    click(browser, "easiest")  # The page is still usable.
    browsing.wait_until(lambda: "the easiest" in text_of(browser, "what"))


def test_the_camera(page):
    browser, *_ = page
    click(browser, "camera")
    browsing.wait_until(lambda: text_of(browser, "what") == "Camera")
    pressed = browser.find_element("id", "camera").get_attribute("aria-pressed")
    assert pressed == "true" and text_of(browser, "class")
    click(browser, "camera")
    assert browser.find_element("id", "picture").is_displayed()
    # Refused, as a person can.
    browser.execute_script(
        "navigator.mediaDevices.getUserMedia = async () => "
        "{ throw new DOMException('', 'NotAllowedError'); }"
    )
    click(browser, "camera")
    browsing.wait_until(lambda: "it was refused" in text_of(browser, "problem"))


def test_a_phone_and_names_for_all_that_can_be_used(page):
    browser, *_ = page
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
    )
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    nameless = browser.execute_script(
        "return [...document.querySelectorAll('button, input, [role=img], video')]"
        ".filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || "
        "e.labels?.length)).map(e => e.outerHTML)"
    )
    assert nameless == []
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("change", ["cut", "changed"])
def test_a_file_that_is_damaged(page, change):
    browser, content, folder = page
    path = folder / content["models"]["routed"]["file"]
    whole, before = path.read_bytes(), path.stat().st_mtime
    later = 10 if change == "cut" else 30  # Servers date files in whole seconds.
    other = gzip.compress(gzip.decompress(whole)[:-1] + b"x")
    path.write_bytes(whole[:-100] if change == "cut" else other)
    os.utime(path, (before + later, before + later))
    try:
        browser.refresh()
        said = browsing.wait_until(lambda: text_of(browser, "problem"))
    finally:
        path.write_bytes(whole)
        os.utime(path, (before + later + 10, before + later + 10))
    expected = {"cut": "is damaged: ", "changed": "is not the file that was exported"}
    assert said.startswith(path.name) and expected[change] in said
    browser.refresh()
    browsing.wait_until(lambda: is_ready(browser))
    assert text_of(browser, "problem") == ""


def test_offline_once_loaded(page):
    browser, *_ = page
    browsing.wait_until(lambda: "works offline" in text_of(browser, "status"))
    held = (
        "const done = arguments[0]; (async () => { const [name] = await caches.keys();"
        "const keys = await (await caches.open(name)).keys();"
        "return keys.map(k => new URL(k.url).pathname); })().then(done)"
    )
    browsing.wait_until(
        lambda: "/litert/relaxed.wasm.gz" in browser.execute_async_script(held)
    )
    browser.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0}
    offline["uploadThroughput"] = 0
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    browser.refresh()
    browsing.wait_until(lambda: is_ready(browser))
    assert text_of(browser, "problem") == "" and text_of(browser, "class") != "…"


def test_nothing_was_printed_to_the_console(page):
    browser, *_ = page
    logged = [row["message"] for row in browser.get_log("browser")]
    # Chromium says that a request failed where the test cut the network.
    assert [line for line in logged if "ERR_INTERNET_DISCONNECTED" not in line] == []

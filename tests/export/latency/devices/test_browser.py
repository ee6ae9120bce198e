"""Browser: a device like any other, and the whole way in a real one."""

import base64
import contextlib
import json

import browsing
import in_process
import numpy as np
import pytest
from browser_stand_in import HELLO, Page
from litert_files import sum_file

from export.latency.devices import devices
from export.latency.devices.browser import Browser, name_of, version_of
from tfdyn.costs.cost_table import CostTable


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return sum_file(tmp_path_factory.mktemp("export"))


@pytest.fixture
def packages(tmp_path):
    return browsing.fake_litert_js(tmp_path / "packages")


@contextlib.contextmanager
def connected(packages, page=None, **arguments):
    """A device, and the stand-in's page that it waits for."""
    pages = []

    def say(text):
        page_arguments = {"milliseconds": lambda job: 0.5, **(page or {})}
        pages.append(Page(text.split()[-1], **page_arguments))

    device = Browser(packages=packages, say=say, **arguments)
    with contextlib.closing(device):
        yield device, pages[0]
    pages[0].join()


def test_its_name_and_what_it_says(packages):
    with connected(packages) as (device, _):
        assert device.name == "browser-chrome-linux"
        assert device.describe() == {
            **{"device": "browser-chrome-linux", "browser": "chrome 156"},
            **{"user_agent": HELLO["user_agent"], "system": "Linux", "cores": 4},
            **{"isolated": True, "clock_step_us": 5.0, "build": "relaxed"},
            "litert_js": "2.5.3",
        }
    with connected(packages, name="my_phone") as (device, _):
        assert device.name == "browser-my_phone"


def test_files_are_timed_on_their_inputs(packages, path):
    image = np.arange(4, dtype="uint8").reshape(2, 2, 1)
    inputs = {"a": {"image": image, "threshold": 0.5}}
    page = {"milliseconds": lambda job: job["runs"]}
    with connected(packages, page) as (device, page):
        with device.session({"a": path, "b": path}, inputs) as measure:
            assert measure("a", runs=7) == 7 and measure("b") == 50
            with pytest.raises(ValueError, match="The files are a, b; got c"):
                measure("c")
    first, second = page.done
    assert first["file"] == second["file"] == "1-0.tflite" and second["inputs"] == {}
    raw = base64.b64decode(first["inputs"]["image"]["base64"])
    assert raw == image.tobytes() and first["inputs"]["image"]["dtype"] == "uint8"
    threshold = base64.b64decode(first["inputs"]["threshold"]["base64"])
    assert np.frombuffer(threshold, "float32") == 0.5


def test_the_files_of_two_sessions_have_two_names(packages, path, tmp_path):
    # The page keeps the files that it fetched, by their names.
    other = tmp_path / "other.tflite"
    other.write_bytes(path.read_bytes())
    with connected(packages) as (device, page):
        for each in (path, other):
            with device.session({"a": each}, {}) as measure:
                measure("a")
    assert len({job["file"] for job in page.done}) == 2


def test_an_input_that_the_file_does_not_have(packages, path):
    with connected(packages) as (device, _):
        with device.session({"a": path}, {"a": {"other": 1}}) as measure:
            with pytest.raises(ValueError, match="has the inputs .*; got other"):
                measure("a")


def test_threads(packages):
    with connected(packages) as (device, _):
        with pytest.raises(ValueError, match="opened for 1 threads, not 2"):
            device.check_threads(2)
    with pytest.raises(ValueError, match=r"--num_threads=2, but this browser has 1"):
        with connected(packages, {"most_threads": 1}, num_threads=2):
            pass
    with pytest.raises(ValueError, match="from 1 to 256"):
        Browser(packages=packages, num_threads=0)


@pytest.mark.parametrize("name", ["a/b", "../x", "", "a" * 41])
def test_names_that_are_no_part_of_a_file_name(packages, name):
    with pytest.raises(ValueError, match="names of letters, digits"):
        Browser(name, packages=packages)


def test_a_page_that_falls_silent(packages, path):
    with connected(packages, {"jobs": 1}, timeout_s=0.3) as (device, _):
        with device.session({"a": path}, {}) as measure:
            assert measure("a") == 0.5
            with pytest.raises(TimeoutError, match=r"not answered for 0.3 seconds"):
                measure("a")


def test_a_browser_that_ends_at_once(packages, tmp_path):
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(OSError, match=r"The browser ended \(status 3\)"):
        Browser(packages=packages, program=str(program))


@pytest.mark.parametrize(
    ("agent", "name", "version"),
    [
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) "
            "AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/19.1 Mobile/15E148 Safari/604.1",
            *("safari-iphone", "safari 19"),
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) "
            "SamsungBrowser/30.0 Chrome/140.0.0.0 Mobile Safari/537.36",
            *("samsung-android", "samsung 30"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            *("firefox-linux", "firefox 145"),
        ),
        ("curl", "unknown", "unknown"),
    ],
)
def test_names_of_browsers(agent, name, version):
    assert name_of(agent) == name and version_of(agent) == version


@pytest.mark.slow
def test_a_profile_is_resumed_after_the_page_was_closed(
    packages, tiny_run, tmp_path, monkeypatch
):
    path, jobs = tmp_path / "latency.json", []

    def command(count, *flags):
        def device(*arguments, **keywords):
            def say(text):
                pages.append(Page(text.split()[-1], time, count))

            def time(job):
                jobs.append(job["name"])
                whole = {"empty": 0.1, "routed": 3.0, "forced": 2.5}
                return whole.get(job["name"], 2.0)

            return Browser(*arguments, **{**keywords, "say": say})

        pages = []
        monkeypatch.setattr(devices, "Browser", device)
        result = in_process.run(
            *("export.latency", f"--run_dir={tiny_run.path}", "--device=browser:test"),
            *(f"--output={path}", f"--litert_js={packages}", *flags),
        )
        pages[0].join()
        return result

    result = command(0, "--rounds=2", "--timeout=1")
    assert result.status and "not answered for 1 seconds" in result.stderr
    assert jobs == []
    # Of the second round only a part is done.
    result = command(38, "--rounds=2", "--timeout=1")
    assert "Whole rounds are kept in" in result.stderr
    (times,) = (tmp_path / "latency.partial").glob("times.json")
    names = list(json.loads(times.read_text()))
    jobs.clear()
    result = command(None, "--rounds=2")
    assert not result.status, result.stderr
    assert len(jobs) == len(names)  # One round more.
    table = CostTable.load(path)
    assert table.provenance["device"]["device"] == "browser-test"
    assert (
        table.provenance["rounds"] == 2 and not (tmp_path / "latency.partial").exists()
    )


@pytest.mark.slow
def test_a_real_browser_makes_a_table_and_holds_it_against_routes(
    tiny_run, tmp_path, tmp_path_factory
):
    browsing.find_chromium()
    packages = browsing.get_litert_js(tmp_path_factory.mktemp("npm"))
    path = tmp_path / "latency.json"
    result = in_process.run(
        *("export.latency", f"--run_dir={tiny_run.path}", "--device=browser"),
        *(f"--output={path}", f"--litert_js={packages}", "--browser=auto"),
        *("--rounds=2", "--validate=4"),
    )
    assert not result.status, result.stderr
    table = CostTable.load(path)
    device = table.provenance["device"]
    assert device["device"] == "browser-chrome-linux" and device["isolated"]
    assert "HeadlessChrome" in device["user_agent"] and device["cores"] >= 1
    assert table.provenance["num_threads"] == 1
    content = json.loads((tmp_path / "latency.validation.json").read_text())
    assert content["routes"] == 4 and content["rounds"] == 2
    assert "wrote" in result.stdout

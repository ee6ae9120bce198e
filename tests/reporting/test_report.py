"""A report: its numbers are the evaluation's, and it needs nothing from elsewhere."""

import dataclasses
import html.parser
import json
import re
import shutil
import subprocess

import in_process
import pytest
from tiny_runs import STATIC, untrained_run

from tfdyn.data.dataset import Dataset
from tfdyn.reporting import report as reports
from tfdyn.reporting.elements import element
from tfdyn.reporting.evaluated_run import evaluated_run
from tfdyn.reporting.page import page
from tfdyn.reporting.parts_of_run import cost_parts
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.sections import build_sections
from tfdyn.runs.run_folder import RunFolder

HOSTILE = '<script>alert("&amp;")</script>$\\frac{'


class Page(html.parser.HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def folder(tiny_run, tmp_path_factory):
    """A folder with a run that has a report, and what the command printed."""
    folder = tmp_path_factory.mktemp("report")
    shutil.copytree(tiny_run.path, folder / "run")
    result = in_process.run("tfdyn.report", "--run_dir=run", "--json", cwd=folder)
    assert result.status == 0, result.stderr
    return folder, json.loads(result.stdout)


@pytest.fixture(scope="module")
def text(folder):
    return (folder[0] / "run/report/report.html").read_text("utf-8")


def test_its_numbers_are_those_of_the_evaluation(folder, text):
    path, printed = folder
    content = json.loads((path / "run/evaluation.json").read_text())
    shown = content["use"]["threshold"]
    (row,) = [row for row in content["routed"] if row["threshold"] == shown][:1]
    numbers = printed["runs"]["run"]
    assert numbers["threshold"] == shown
    assert numbers["accuracy"] == pytest.approx(row["accuracy"])
    assert numbers["macs_mean"] == pytest.approx(row["macs_mean"])
    read = Page(text).text
    for row in content["routed"]:
        assert f"{100 * row['accuracy']:.2f} %" in read
    for op, shares in content["use"]["all"].items():
        for branch, share in shares.items():
            assert f"{op}{branch}{100 * share:.2f} %" in read


def test_nothing_in_it_is_from_elsewhere(text):
    tags = Page(text)
    for tag, attributes in tags.tags:
        assert tag not in ("script", "link", "iframe", "object", "base"), tag
        for name in ("src", "srcset", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png"))
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in text and "@import" not in text


def test_its_pictures_are_files_too_and_have_alternatives(folder, text):
    path, printed = folder
    images = Page(text).all("img")
    drawn = [each for each in images if each.get("class") == "dark"]
    assert all(len(each["alt"]) > 10 for each in images)
    files = sorted(each.name for each in (path / "run/report").glob("*.png"))
    assert printed["pictures"] == len(files) == len(drawn)
    expected = "accuracy_macs costs_macs costs_by_threshold_macs cost_by_certainty "
    expected += "use_cell_0 learning_accuracy"
    assert {f"{name}.png" for name in expected.split()} <= {*files}


def test_its_headings_are_in_order(text):
    tags = Page(text)
    levels = [int(tag[1]) for tag, _ in tags.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    steps = [b - a for a, b in zip(levels, levels[1:], strict=False)]
    assert max(steps) == 1
    (root,) = tags.all("html")
    assert root["lang"] == "en" and "Images" in tags.text
    addresses = {each["href"][1:] for each in tags.all("a")}
    assert addresses <= {each.get("id") for _, each in tags.tags}


def peer(folder, like):
    """Makes a static network with the evaluation of another run."""
    static = untrained_run(folder, RunFolder(like).input_format(), **STATIC)
    shutil.copy(like / "evaluation.json", static / "evaluation.json")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "none is not a run folder: it does not exist"),
        ("new", "new is not evaluated: run `python -m tfdyn.evaluate --run_dir=new`"),
        ("run", "--peers=run has routers, and peers are static networks"),
    ],
)
def test_a_peer_is_a_static_network_that_was_evaluated(folder, tmp_path, name, message):
    shutil.copytree(folder[0] / "run", tmp_path / "run")
    peer(tmp_path / "new", tmp_path / "run")
    (tmp_path / "new/evaluation.json").unlink()
    words = ("--run_dir=run", f"--peers={name}")
    result = in_process.run("tfdyn.report", *words, cwd=tmp_path)
    assert result.status == 1 and message in result.stderr.splitlines()[-1]


def test_only_a_run_with_a_latency_table_has_predicted_milliseconds(folder, text):
    predicted = "Milliseconds are predicted by"
    assert predicted not in Page(text).text
    run = evaluated_run(folder[0] / "run", "run")
    with_table = {"images": {**run.images, "ms": run.images["macs"]}}
    with_table["full"] = {**run.full, "ms": run.full["macs"]}
    first = cost_parts(dataclasses.replace(run, **with_table))[0]
    assert predicted in first.text


def test_several_runs_stand_side_by_side(folder, monkeypatch):
    def render(picture, path):
        path.touch()
        return element("figure")

    monkeypatch.setattr(Picture, "render", render)  # Drawn before, in `folder`.
    path, _ = folder
    shutil.copytree(path / "run", path / "other")
    peer(path / "peer", path / "run")
    words = ("--run_dirs=run,other", "--peers=peer", "--threshold=1")
    result = in_process.run("tfdyn.report", *words, cwd=path)
    assert result.status == 1 and "--output=FOLDER is missing" in result.stderr
    result = in_process.run("tfdyn.report", *words, "--output=both", cwd=path)
    assert result.status == 0, result.stderr
    assert (path / "both/2_accuracy_macs.png").exists() is False
    assert (path / "both/3_costs_macs.png").exists() is False
    assert {"1_costs_macs.png", "2_costs_macs.png"} <= {
        each.name for each in (path / "both").iterdir()
    }
    result = in_process.run(
        "tfdyn.report", "--run_dirs=run,./run", "--output=x", cwd=path
    )
    assert result.status == 1 and "twice" in result.stderr
    (path / "both/notes.txt").write_text("mine")
    result = in_process.run("tfdyn.report", *words, "--output=both", cwd=path)
    assert result.status == 1 and "notes.txt" in result.stderr


@pytest.mark.parametrize(
    "file, text, reason",
    [
        ("evaluation.json", '{"routed": 1}', "is not an evaluation"),
        ("router_worth.json", "{}", "is not the worth of a router"),
        ("latency.x.validation.json", "{}", "is not the validation"),
        ("metrics.csv", "a,b\n1,2\n", "is not a table of metrics"),
        ("metrics.csv", "", "is not a table of metrics"),
        ("metrics.csv", "epoch,stage,loss\n1,a\n", "none of its lines is whole"),
        ("metrics.csv", "epoch,stage,loss\n1,a,x\n", "delete it to leave out"),
    ],
)
def test_a_broken_file_is_one_line(folder, tmp_path, file, text, reason):
    shutil.copytree(folder[0] / "run", tmp_path / "run")
    (tmp_path / "run" / file).write_text(text)
    result = in_process.run("tfdyn.report", "--run_dir=run", cwd=tmp_path)
    assert result.status == 1
    assert reason in result.stderr.splitlines()[-1], result.stderr


def test_names_are_never_read_as_html(folder, tmp_path, light_only):
    run = evaluated_run(folder[0] / "run", HOSTILE)
    names = tuple(f"{HOSTILE}{index}" for index in range(10))
    form = dataclasses.replace(run.dataset.input_format, class_names=names)
    dataset = Dataset("digits", form, run.dataset.splits)
    run = dataclasses.replace(run, dataset=dataset, categories=names)
    parts = reports._draw(build_sections([run], {}), tmp_path, False)
    tags = Page(page(HOSTILE, HOSTILE, parts))
    assert not tags.all("script")
    assert f"{HOSTILE}3, " in tags.text
    assert any(f": {HOSTILE}" in each["alt"] for each in tags.all("img"))


WIDTHS = 390, 1280
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# Says what the browser sees: pictures that are broken, and the width of the page.
PROBE = """<script>addEventListener('load', () => document.title = JSON.stringify({
broken: [...document.images].filter(image => !image.naturalWidth).length,
images: document.images.length, width: document.documentElement.scrollWidth,
screen: innerWidth}))</script>"""


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_browser_shows_all_of_it_on_screens_of_any_width(text, tmp_path):
    # Frames, for the window of a browser without a screen is never narrow.
    inside = re.sub("<meta http-equiv[^>]*>", "", text, count=1)
    (tmp_path / "inside.html").write_text(
        inside.replace("</body>", f"{PROBE}</body>"), "utf-8"
    )
    frames = [f"<iframe src=inside.html width={width}></iframe>" for width in WIDTHS]
    (tmp_path / "page.html").write_text(
        f"{''.join(frames)}<pre></pre><script>setInterval(() => document.querySelector("
        "'pre').textContent = '[' + [...document.querySelectorAll('iframe')].map("
        "frame => frame.contentDocument.title).join() + ']', 100)</script>"
    )
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu"),
            *("--allow-file-access-from-files", "--enable-logging=stderr"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000"),
            *("--dump-dom", (tmp_path / "page.html").as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    both = json.loads(html.unescape(re.search("<pre>(.*?)</pre>", done.stdout)[1]))
    for seen, width in zip(both, WIDTHS, strict=True):
        assert seen["broken"] == 0 and seen["images"] > 10
        assert seen["width"] <= seen["screen"] == width

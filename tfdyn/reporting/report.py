"""Writes the report of one run, or of several side by side."""

import pathlib
import re
import sys
from collections.abc import Sequence

from tqdm import tqdm

from tfdyn.errors import UserError
from tfdyn.files import check_writable, whole_folder, write_text
from tfdyn.reporting.evaluated_run import evaluated_run
from tfdyn.reporting.evaluation_file import read_evaluation
from tfdyn.reporting.page import page
from tfdyn.reporting.sections import build_sections, check_files
from tfdyn.runs.run_folder import RunFolder
from tfdyn.temporary import check_replaceable

FILE = "report.html"


def report(
    run_dirs: Sequence,
    output=None,
    peers: Sequence = (),
    threshold=None,
    data_dir=None,
    cost_table=None,
    categories=None,
    batch_size: int = 250,
) -> dict:
    """Writes `report.html` and its pictures.

    Args:
        run_dirs: Paths of finished runs' folders.
        output: Folder to write. Default: `report/` in the folder of the run, if there
            is only one.
        peers: Paths of the folders of static networks to compare with, evaluated.
        threshold: T of the pictures (default: that of each run's evaluation).
        data_dir: Folder of the data, if they have moved since the training.
        cost_table: Path of a cost table (default: as in `tfdyn.evaluate`).
        categories: Name or file of categories (default: those of the training).
        batch_size: Number of images in a batch.

    Returns:
        A dict ready for JSON: `report`, the path of the page; `pictures`, the number of
        its pictures; and `runs`, for each run its name, `threshold`, `accuracy`,
        `macs_mean` and, if it has a latency table, `ms_mean`.

    Raises:
        UserError: If a run is not finished or named twice, a peer is not evaluated or
            has routers, or a file or an argument is not as described.
        OSError: If the data are missing, or the folder cannot be written to.
    """
    folder = _output(run_dirs, output)
    names = _names(run_dirs)
    contents = {}
    for peer, name in zip(peers, _names(peers), strict=True):
        contents[name] = _read_peer(RunFolder(peer))
    runs = [
        evaluated_run(
            path, name, threshold, data_dir, cost_table, categories, batch_size
        )
        for path, name in zip(run_dirs, names, strict=True)
    ]
    sections = build_sections(runs, contents)
    title = f"Report of {', '.join(names)}"
    text = "Made by python -m tfdyn.report. It needs no network and runs no script."
    with whole_folder(folder) as temporary:
        temporary.mkdir()
        parts = _draw(sections, temporary, len(runs) > 1)
        write_text(temporary / FILE, page(title, text, parts))
    return {
        "report": str(folder / FILE),
        "pictures": sum(len(section.pictures) for section in sections),
        "runs": {
            run.name: {
                "threshold": run.threshold,
                **{
                    key: run.summary[key]
                    for key in ("accuracy", "macs_mean", "ms_mean")
                    if key in run.summary
                },
            }
            for run in runs
        },
    }


def _read_peer(run):
    """Returns the evaluation of a static network."""
    run.settings()  # An error of a wrong path comes first.
    content = read_evaluation(run)
    if content is None:
        raise UserError(
            f"{run} is not evaluated: run `python -m tfdyn.evaluate "
            f"--run_dir={run}` first."
        )
    if run.load_model(content["weights"]).has_routers:
        raise UserError(
            f"--peers={run} has routers, and peers are static networks: show it beside "
            f"others with --run_dirs."
        )
    return content


def _draw(sections, folder, several):
    """Draws all pictures, and returns the sections as `page` takes them."""
    total = sum(len(section.pictures) for section in sections)
    with tqdm(
        total=total, unit=" pictures", leave=False, disable=None, file=sys.stderr
    ) as bar:

        def render(picture, index):
            bar.set_description(picture.name)
            name = re.sub("[^a-z0-9_]", "_", picture.name.lower())
            name = f"{index + 1}_{name}" if several else name
            node = picture.render(folder / f"{name}.png")
            bar.update()
            return node

        return [
            (section.address, section.title, section.to_element(render))
            for section in sections
        ]


def _output(run_dirs, output):
    """Returns the folder to write, checked before a long computation."""
    paths = [pathlib.Path(path).resolve() for path in run_dirs]
    for index, path in enumerate(paths):
        if path in paths[:index]:
            raise UserError(f"{run_dirs[index]} is named twice: name each run once.")
    if output is None and len(run_dirs) > 1:
        raise UserError(
            "--output=FOLDER is missing: name the folder of a report of several runs."
        )
    for run_dir in run_dirs:
        RunFolder(run_dir).settings()  # An error of a wrong path comes first.
        check_files(RunFolder(run_dir))
    folder = RunFolder(run_dirs[0]).output("report") if output is None else output
    folder = pathlib.Path(folder)
    check_writable(folder.parent)
    check_replaceable(folder)
    return folder


def _names(paths):
    """Returns the names of folders; whole paths, if two have the same name."""
    names = [pathlib.Path(path).resolve().name for path in paths]
    return names if len({*names}) == len(names) else [str(path) for path in paths]

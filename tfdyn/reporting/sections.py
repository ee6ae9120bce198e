"""The sections of a report, from its runs."""

import sys
from collections.abc import Mapping, Sequence

from tqdm import tqdm

from tfdyn.reporting import parts_of_run
from tfdyn.reporting.accuracy_by_cost import accuracy_by_cost
from tfdyn.reporting.evaluated_run import EvaluatedRun
from tfdyn.reporting.measured_latency import measured_latency
from tfdyn.reporting.provenance import provenance
from tfdyn.reporting.section import Section
from tfdyn.reporting.worth import read_worth, worth_parts
from tfdyn.runs.run_folder import RunFolder

# Title, text, and a function of an `EvaluatedRun` that returns pictures and elements.
SECTIONS = (
    (
        "Accuracy and cost",
        "A network runs less at a lower threshold T; T=1 runs all branches.",
        parts_of_run.evaluation_parts,
    ),
    (
        "Learning curves",
        "Each epoch of the training, and the models that a search has kept.",
        lambda run: parts_of_run.training_parts(run.run),
    ),
    (
        "Use of branches",
        "The share of test images that run each branch of each connection.",
        parts_of_run.use_parts,
    ),
    (
        "Use by class and category",
        "Where routes depend on the image, some branches run more often for some "
        "classes.",
        parts_of_run.group_parts,
    ),
    (
        "Cost of images",
        "With all branches, the network is certain of easy images (the third with the "
        "highest confidence) and uncertain of hard ones.",
        parts_of_run.cost_parts,
    ),
    (
        "Images",
        "Test images with their class, what the network says, how sure it is, and what "
        "they cost. Of images that cost the same, the most certain ones are called "
        "cheapest, and the least certain ones most expensive.",
        parts_of_run.image_parts,
    ),
    (
        "Routes in use",
        "A route is the set of branches that run for an image.",
        parts_of_run.route_parts,
    ),
    (
        "Predicted and measured latency",
        "How well the latency table of a run predicts what routes really take.",
        lambda run: measured_latency(run.run),
    ),
    (
        "Worth of the router",
        "The router's routes beside those of other images, fixed and random ones.",
        lambda run: worth_parts(read_worth(run.run), run.name),
    ),
    (
        "Settings and provenance",
        "What repeats the run, and what it was trained and measured on.",
        provenance,
    ),
)


def check_files(run: RunFolder) -> None:
    """Reads the files of a run that the report shows, before a long computation.

    Args:
        run: `RunFolder`.

    Raises:
        UserError: If a file is not as the commands write it.
    """
    parts_of_run.training_parts(run)
    measured_latency(run)
    read_worth(run)


def build_sections(
    runs: Sequence[EvaluatedRun], peers: Mapping[str, dict]
) -> list[Section]:
    """Returns the sections of a report, without those that no run has anything for.

    A bar shows which of them is computed.

    Args:
        runs: The runs, side by side.
        peers: Contents of `evaluation.json` of static networks, by name.
    """
    worths = {run.name: read_worth(run.run) for run in runs}
    pictures = accuracy_by_cost({run.name: run.content for run in runs}, peers, worths)
    first, sections = [("", pictures)], []
    bar = tqdm(SECTIONS, unit=" sections", leave=False, disable=None, file=sys.stderr)
    for title, text, parts in bar:
        bar.set_description(title)
        columns = [(run.name if len(runs) > 1 else "", parts(run)) for run in runs]
        columns, first = first + columns, []
        if any(column for _, column in columns):
            sections.append(Section(title, text, columns))
    return sections

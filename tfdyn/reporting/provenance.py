"""What repeats a run, and what it was trained and measured on."""

import datetime
import importlib.metadata

from tfdyn.data import record
from tfdyn.reporting.elements import description, details, element
from tfdyn.reporting.evaluated_run import EvaluatedRun
from tfdyn.reporting.section import Part
from tfdyn.routing.threshold import threshold_label
from tfdyn.settings.flagfiles import to_flagfile

PACKAGES = ("tensorflow", "keras", "numpy")


def provenance(run: EvaluatedRun) -> list[Part]:
    """Returns settings, data, weights and cost table of a run.

    Args:
        run: The run.
    """
    data = run.run.data() or record.make(run.dataset)
    splits = {name: data.get(name) for name in record.SPLITS}
    splits = {name: part for name, part in splits.items() if isinstance(part, dict)}
    images = [f"{part.get('images')} {name} images" for name, part in splits.items()]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    settings = run.run.settings()
    pairs = [
        ("Folder", str(run.run)),
        ("Repeat it", f"python -m tfdyn.train --flagfile={run.run / 'flags.txt'}"),
        ("Network", settings.network),
        ("Data", f"{run.content['dataset']}: {', '.join(images)}"),
        ("Weights", run.content["weights"]),
        ("Threshold of the pictures", threshold_label(run.threshold)),
        ("Latency table", run.table_origin or "none"),
        ("Report", f"{datetime.date.today()}, {', '.join(versions)}"),
    ]
    digest = splits.get("test", {}).get("labelled_digest")
    if digest:
        pairs.insert(4, ("Digest of the test images", str(digest)))
    return [
        description(pairs),
        details("All settings", element("pre", to_flagfile(settings), tabindex="0")),
    ]

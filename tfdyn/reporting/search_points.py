"""The operating points that a search has kept (InstaNAS), as a picture."""

from tfdyn.families.instanas import operating_points
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import cost_text
from tfdyn.runs.run_folder import RunFolder


def search_points(run: RunFolder) -> list[Picture]:
    """Returns a picture of accuracy against cost, if the run was a search.

    Args:
        run: `RunFolder`.

    Raises:
        UserError: If `operating_points.json` is not as a search writes it.
    """
    points = operating_points.read(run / "operating_points.json")
    if not points:
        return []
    texts = [
        f"{point['point']} {100 * point['accuracy']:.2f} % at "
        f"{cost_text(point['macs_mean'], 'macs')}"
        for point in points
    ]
    return [
        Picture(
            "operating_points",
            "The models that the search has kept, and which of them are best.",
            f"Operating points: {', '.join(texts)}.",
            lambda path: operating_points.plot(path, points),
        )
    ]

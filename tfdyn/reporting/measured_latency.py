"""Predicted against measured milliseconds of routes, from the validation of a table."""

import numpy as np

from tfdyn.errors import UserError
from tfdyn.figures import figure
from tfdyn.reading import read_json
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import WIDTH, short
from tfdyn.runs.run_folder import RunFolder

ENDING = ".validation.json"


def measured_latency(run: RunFolder) -> list[Picture]:
    """Returns a picture for each latency table of a run that was validated.

    Args:
        run: `RunFolder`.

    Raises:
        UserError: If a file is no validation of a table.
    """
    paths = sorted(run.path.glob(f"latency.*{ENDING}"))
    return [_picture(path, index) for index, path in enumerate(paths)]


def _picture(path, index):
    mend = f"Make it again with `python -m export.latency --run_dir={path.parent}`."
    content = read_json(path, "the validation of a latency table", mend)
    try:
        predicted, measured = (
            np.array(content[name], float) for name in ("predicted_ms", "measured_ms")
        )
        of_images = np.array(content["own"], bool)
        if not predicted.shape == measured.shape == of_images.shape or not len(
            measured
        ):
            raise UserError("its lists differ in length")
        numbers = {
            "routes": len(measured),
            "correlation": float(content["correlation"]),
            "within": float(content["within_10_percent"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} is not the validation of a latency table "
            f"({type(error).__name__}: {error}). {mend}"
        ) from error

    def draw(path):
        with figure(path, (WIDTH, 4.4)) as axes:
            for label, marker, members in (
                ("random routes", "o", ~of_images),
                ("routes of images", "^", of_images),
            ):
                axes.plot(
                    measured[members],
                    predicted[members],
                    marker,
                    label=label,
                    alpha=0.6,
                )
            ends = np.array([0, 1.05 * measured.max()])
            axes.plot(ends, ends, "C7", label="predicted = measured")
            axes.plot(ends, 0.9 * ends, "C7", linestyle=":", label="10 % off")
            axes.plot(ends, 1.1 * ends, "C7", linestyle=":")
            axes.set(xlabel="measured, ms", ylabel="predicted, ms")
            axes.legend(fontsize="small")

    device = path.name.removeprefix("latency.").removesuffix(ENDING)
    text = (
        f"{numbers['routes']} routes: correlation {numbers['correlation']:.4f}, "
        f"{100 * numbers['within']:.1f} % predicted within 10 %"
    )
    return Picture(
        f"latency_{index}",
        f"Predicted and measured milliseconds, {short(device, 40)}. {text}.",
        f"{text}; measured from {measured.min():.4g} to {measured.max():.4g} ms.",
        draw,
    )

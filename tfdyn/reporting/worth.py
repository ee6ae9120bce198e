"""What a router is worth, for a report, if `tfdyn.router_worth` has measured it."""

from tfdyn.errors import UserError
from tfdyn.evaluation import worth_report
from tfdyn.reading import is_there, read_json
from tfdyn.reporting.elements import element, table
from tfdyn.reporting.picture import Picture
from tfdyn.reporting.plotting import WIDTH, short
from tfdyn.reporting.section import Part
from tfdyn.routing.threshold import check_threshold
from tfdyn.runs.run_folder import RunFolder


def read_worth(run: RunFolder) -> dict | None:
    """Reads the `router_worth.json` of a run; `None` if there is none.

    Args:
        run: `RunFolder`.

    Raises:
        UserError: If the file is not as the command writes it.
    """
    path = run / f"{worth_report.NAME}.json"
    if not is_there(path):
        return None
    mend = f"Make it again with `python -m tfdyn.router_worth --run_dir={run}`."
    content = read_json(path, "the worth of a router", mend)
    try:
        for part in content["thresholds"]:
            part["threshold"] = check_threshold(part["threshold"])
        worth_report.table(content, "")
        costs = [row["cost"] for row in content["static"]["frontier"]]
        if content["unit"] not in ("macs", "ms") or not costs:
            raise UserError("it has no unit or no fixed routes")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path} is not the worth of a router ({type(error).__name__}: {error}). "
            f"{mend}"
        ) from error
    return content


def worth_parts(content: dict | None, name: str) -> list[Part]:
    """Returns the plot of `tfdyn.router_worth`, with its tables and its sentences.

    Args:
        content: What `read_worth` returned.
        name: Name of the run.
    """
    if not content:
        return []

    def draw(path):
        worth_report.plot(path, content, short(name, 40), (WIDTH, 4.4))

    rows = {
        row: f"{100 * values['accuracy']:.2f} %"
        for row, values in content["thresholds"][0]["rows"].items()
    }
    picture = Picture(
        "router_worth",
        "Accuracy of the router's routes and of others, by their cost.",
        "At the first threshold: "
        + ", ".join(f"{row} {accuracy}" for row, accuracy in rows.items())
        + ".",
        draw,
    )
    parts = [picture]
    for part in content["thresholds"]:
        rows = worth_report.rows_of_routes(part, content["unit"])
        parts.append(table(f"Kinds of routes; {worth_report.PAYS}", rows))
        texts = [element("li", text) for text in worth_report.sentences(part)]
        parts.append(element("ul", *texts))
    return parts

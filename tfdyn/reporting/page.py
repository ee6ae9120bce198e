"""The page of a report: one HTML file that needs nothing from elsewhere."""

import pathlib
from collections.abc import Sequence

from tfdyn.reporting.elements import Element, element, to_html

STYLE = pathlib.Path(__file__).with_name("page.css")
# Nothing is loaded and nothing runs: images are in the page, and there is no script.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(title: str, text: str, sections: Sequence[tuple[str, str, Element]]) -> str:
    """Returns the page as HTML.

    Args:
        title: Title of the page.
        text: What it is, one paragraph.
        sections: Triples: the address of a section in the page, its title, and its
            element.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width"),
        element("title", title),
        element("style", STYLE.read_text("utf-8")),
    )
    links = [
        element("li", element("a", name, href=f"#{address}"))
        for address, name, _ in sections
    ]
    body = element(
        "body",
        element("a", "Skip to the report", href="#report", class_="skip"),
        element("header", element("h1", title), element("p", text)),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *(part for *_, part in sections), id="report"),
    )
    return f"<!DOCTYPE html>\n{to_html(element('html', head, body, lang='en'))}\n"

"""HTML elements, whose texts and attributes are escaped when they are written.

Names of classes, settings and paths come from files of anybody. No function here takes
HTML as a string, so that none of them can be read as HTML.
"""

import base64
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

Element = ElementTree.Element


def element(tag: str, *content: "Element | str", **attributes: str | None) -> Element:
    """Returns an HTML element.

    Args:
        tag: Name of the element, such as "p".
        *content: Texts and elements that it holds, in order.
        **attributes: Attributes. An underscore stands for a hyphen, and one at the end
            is left out: `class_="wide"`, `aria_label="runs"`. `None`: no attribute.
    """
    node = ElementTree.Element(tag)
    for name, value in attributes.items():
        if value is not None:
            node.set(name.removesuffix("_").replace("_", "-"), value)
    for part in content:
        if not isinstance(part, str):
            node.append(part)
        elif len(node):
            node[-1].tail = (node[-1].tail or "") + part
        else:
            node.text = (node.text or "") + part
    return node


def to_html(node: Element) -> str:
    """Returns an element as HTML."""
    return ElementTree.tostring(node, encoding="unicode", method="html")


def table(caption: str, rows: Sequence[Sequence[str]], left_columns: int = 1):
    """Returns a table that scrolls sideways where the screen is narrow.

    Args:
        caption: What the table holds, one sentence.
        rows: Rows of texts. The first holds the headings.
        left_columns: Number of columns aligned to the left; the others hold numbers.
    """
    heading, *others = rows

    def kind(column):
        return "number" if column >= left_columns else None

    head = element("tr")
    for column, text in enumerate(heading):
        head.append(element("th", text, scope="col", class_=kind(column)))
    body = element("tbody")
    for name, *values in others:
        line = element("tr", element("th", name, scope="row"))
        for column, text in enumerate(values, 1):
            line.append(element("td", text, class_=kind(column)))
        body.append(line)
    content = element("caption", caption), element("thead", head), body
    return scrolling(caption, element("table", *content))


def scrolling(label: str, *content) -> Element:
    """Returns a region that can be scrolled sideways, by the keyboard too."""
    return element(
        "div", *content, class_="scroll", role="region", aria_label=label, tabindex="0"
    )


def details(summary: str, *content) -> Element:
    """Returns a part that is folded until the reader opens it."""
    return element("details", element("summary", summary), *content)


def description(pairs: Iterable[tuple[str, str]]) -> Element:
    """Returns a list of names and what they stand for."""
    parts = [(element("dt", name), element("dd", text)) for name, text in pairs]
    return element("dl", *(part for pair in parts for part in pair))


def image_address(png: bytes) -> str:
    """Returns a PNG as an address that holds the image itself."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"

"""Section: a part of a report, with a column for each run."""

import dataclasses
from collections.abc import Callable, Sequence

from tfdyn.reporting.elements import Element, element
from tfdyn.reporting.picture import Picture

Part = Picture | Element


@dataclasses.dataclass(frozen=True)
class Section:
    """A section of a report.

    Attributes:
        title: Its heading.
        text: What it shows, a few sentences.
        columns: Pairs: the name of a run, and the pictures and elements that belong to
            it. What belongs to all runs stands in a column without name ("").
    """

    title: str
    text: str
    columns: Sequence[tuple[str, Sequence[Part]]]

    @property
    def address(self) -> str:
        """The section's address in the page."""
        return self.title.lower().replace(" ", "-").replace(",", "")

    @property
    def pictures(self) -> list[Picture]:
        """All pictures of the section."""
        parts = [part for _, column in self.columns for part in column]
        return [part for part in parts if isinstance(part, Picture)]

    def to_element(self, render: Callable[[Picture, int], Element]) -> Element:
        """Returns the section as an element.

        Args:
            render: Function of a picture and of the number of its column, that draws it
                and returns its element.
        """
        columns = []
        for index, (name, parts) in enumerate(self.columns):
            column = element("div", class_=None if name else "all")
            if name:
                column.append(element("h3", name))
            pictures = None
            for part in parts:
                if not isinstance(part, Picture):
                    column.append(part)
                    pictures = None
                    continue
                if pictures is None:
                    pictures = element("div", class_="pictures")
                    column.append(pictures)
                pictures.append(render(part, index))
            columns.append(column)
        return element(
            "section",
            element("h2", self.title, id=self.address),
            element("p", self.text),
            element("div", *columns, class_="runs"),
        )

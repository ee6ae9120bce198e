"""Pictures of a report: drawn once for light screens and paper, once for dark ones."""

import dataclasses
import pathlib
import tempfile
from collections.abc import Callable

from tfdyn.figures import dark
from tfdyn.reporting.elements import Element, element, image_address


@dataclasses.dataclass(frozen=True)
class Picture:
    """A plot of a report.

    Attributes:
        name: Name of its PNG file without ending: small letters, digits and `_`.
        title: What it shows, in a few words.
        text: What it shows to those who cannot see it: the numbers that matter.
        draw: Function of a path that draws the plot and writes the PNG.
    """

    name: str
    title: str
    text: str
    draw: Callable[[pathlib.Path], None]

    def render(self, path: pathlib.Path) -> Element:
        """Draws the picture.

        Args:
            path: PNG file to write: the picture for light screens.

        Returns:
            A `figure` element, which holds the picture in both forms.
        """
        self.draw(path)
        with tempfile.TemporaryDirectory() as folder, dark():
            other = pathlib.Path(folder, "dark.png")
            self.draw(other)
            on_dark = image_address(other.read_bytes())
        # Style shows one of them. A `picture` element would keep the dark one on paper.
        images = [
            element("img", src=address, alt=self.text, class_=name)
            for name, address in (
                ("light", image_address(path.read_bytes())),
                ("dark", on_dark),
            )
        ]
        return element("figure", *images, element("figcaption", self.title))

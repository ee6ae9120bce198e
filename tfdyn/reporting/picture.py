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
        # Paper is white, whatever the screen is.
        source = element(
            "source", srcset=on_dark, media="screen and (prefers-color-scheme: dark)"
        )
        image = element("img", src=image_address(path.read_bytes()), alt=self.text)
        return element(
            "figure",
            element("picture", source, image),
            element("figcaption", self.title),
        )

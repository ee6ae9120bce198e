"""Settings of every kind."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """A setting of every kind."""

    text: str = setting("a", "Text.")
    text_or_none: str | None = setting(None, "Text or none.")
    choice: str = setting("one", "A choice.", choices=("one", "two"))
    whole: int = setting(1, "A whole number.")
    whole_or_none: int | None = setting(None, "A whole number or none.")
    real: float = setting(0.5, "A real number.")
    real_or_none: float | None = setting(None, "A real number or none.")
    yes: bool = setting(True, "Yes.")
    no: bool = setting(False, "No.")
    names: tuple = setting(("a", "b"), "Names.")
    names_or_none: tuple | None = setting(None, "Names or none.")


CHANGED = Example(
    text="with spaces, commas = and # signs",
    text_or_none="",
    choice="two",
    whole=-3,
    whole_or_none=0,
    real=3e-5,
    real_or_none=0.1 + 0.2,
    yes=False,
    no=True,
    names=("c",),
    names_or_none=("d", "e"),
)

"""CodebookSettings: the settings that only a codebook of routes has."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class CodebookSettings:
    """Settings of a codebook, a few fixed routes of a network of any family."""

    codebook: str | None = setting(
        None,
        "File of routes that `python -m tfdyn.codebook` writes. The network runs one "
        "of them for each image, and its routers learn which.",
    )
    distillation: float = setting(
        0.5,
        "--codebook: share of the labels of all routes but the last that the last one "
        "teaches.",
        within="from 0 to 1",
    )
    trunk_gradient: float = setting(
        0.3,
        "--codebook: share of the gradient with which all routes but the last train "
        "what they have in common with it. 1 makes short routes better and long ones "
        "worse.",
        within="from 0 to 1",
    )

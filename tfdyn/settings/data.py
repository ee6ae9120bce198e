"""DataSettings: which pictures, how they are varied, how many at once."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Settings of the data."""

    dataset: str = setting(
        "cifar10",
        "Data set; folder: pictures in class folders below --data_dir.",
        choices=(
            "digits",
            "cifar10",
            "cifar100",
            "imagenet2012",
            "tinyimagenet",
            "folder",
        ),
    )
    data_dir: str | None = setting(
        None, "Folder of pictures, or where TFDS keeps its data (default: its own)."
    )
    image_size: int | None = setting(
        None, "Side of the pictures in pixels (default: the data set's own)."
    )
    validation_share: float = setting(
        0.1,
        "Share of the training set that is held out to choose the best epoch and, for "
        "a device, T and gates.",
    )
    batch_size: int = setting(128, "Examples a training step.")
    crop: str = setting(
        "pad",
        "pad: black border, then crop; resized: a part of the picture, resized.",
        choices=("pad", "resized", "none"),
    )
    flip: bool = setting(True, "Mirror half of the training pictures.")
    autoaugment: str = setting(
        "none",
        "AutoAugment's policy for the training pictures.",
        choices=("none", "cifar10", "imagenet"),
    )
    cutout: int = setting(0, "Side of the square that cutout blanks; 0: none.")

    def __post_init__(self):
        if self.batch_size < 1:
            raise ValueError(f"--batch_size must be at least 1; got {self.batch_size}.")

"""DataSettings: which images, how they are augmented, how many are in a batch."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Settings of the data."""

    dataset: str = setting(
        "cifar10",
        "Data set. folder: your own images, one folder a class, in --data_dir.",
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
        None,
        "Folder of the images, or the folder where TFDS keeps its data sets (default: "
        "that of TFDS).",
    )
    image_size: int | None = setting(
        None,
        "Height and width of the images in pixels (default: the data set's).",
        within="from 1 to 2048",
    )
    validation_share: float = setting(
        0.1,
        "Share of the training images that is held out for validation. The best epoch, "
        "thresholds T for a budget and gates to leave out are chosen on them.",
        within="at least 0 and below 1",
    )
    batch_size: int = setting(
        128,
        "Images in a batch, of all devices together.",
        within="from 1 to 65536",
    )
    crop: str = setting(
        "pad",
        "How training images are cropped at random. pad: a black border, then a crop "
        "of the image's size. resized: a part of the image, resized. none: not at all.",
        choices=("pad", "resized", "none"),
    )
    flip: bool = setting(True, "Mirror half of the training images, at random.")
    autoaugment: str = setting(
        "none",
        "AutoAugment policy for the training images.",
        choices=("none", "cifar10", "imagenet"),
    )
    color_jitter: bool = setting(
        False,
        "Change the colours of training images at random, as DARTS does for ImageNet: "
        "brightness, contrast and saturation by up to 40 %, the hue by up to 0.2 of "
        "the circle.",
    )
    cutout: int = setting(
        0,
        "Side of the square that cutout blanks in training images, in pixels. 0: no "
        "cutout.",
        within="from 0 to 2048",
    )

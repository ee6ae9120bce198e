"""Images for trainings on JAX: read, held out and augmented as `tfdyn.data` does it."""

import importlib

import numpy as np

from tfdyn.data.held_out import hold_out_mask
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.families.settings import Settings
from tfdyn.losses.labels import check_labels
from tfdyn.reading import is_there

jax = importlib.import_module("jax")  # By its name, because JAX is no requirement.
jnp = jax.numpy

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
# As in `tfdyn.data.sources`, which needs TensorFlow.
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def input_format_of(settings: Settings) -> InputFormat:
    """Returns the `InputFormat` of CIFAR-10.

    Args:
        settings: `Settings` with the name of the data set and the size of the images.

    Raises:
        UserError: If the data set is another one, or an augmentation is not built here.
    """
    for name, known in (
        ("dataset", ("cifar10",)),
        ("crop", ("pad", "none")),
        ("autoaugment", ("none",)),
        ("color_jitter", (False,)),
        ("init_from", (None,)),
        ("cost_table", (None,)),
    ):
        value = getattr(settings, name)
        if value not in known:
            raise UserError(
                f"--{name}={value} is not for trainings on JAX: it must be "
                f"{' or '.join(map(str, known))}. Train with tfdyn.train instead."
            )
    size = settings.image_size or 32
    return InputFormat(tuple(CLASSES.split()), (size, size, 3), MEAN, STD)


def load(path, settings: Settings, input_format: InputFormat) -> tuple:
    """Reads images and holds out the same ones as `tfdyn.data.dataset.load`.

    Args:
        path: NPZ file with `xt`, uint8 `(images, height, width, channels)`, in the
            order of TFDS, and `yt`, integers `(images,)`.
        settings: `Settings` of the training.
        input_format: `InputFormat` of the images.

    Returns:
        The images for training and those for validation, each a pair: images, uint8
        `(images, size, size, channels)`, and labels, int32 `(images,)`.

    Raises:
        UserError: If the file does not hold such arrays, a label is no class, or there
            are fewer images than in a batch.
    """
    images, labels = _read(path, "xt", "yt", input_format)
    mask = hold_out_mask(labels, settings.validation_share, 0)
    if settings.batch_size > (~mask).sum():
        raise UserError(
            f"--batch_size={settings.batch_size} is more than the {(~mask).sum()} "
            f"training images of {path}; make it smaller."
        )
    return (images[~mask], labels[~mask]), (images[mask], labels[mask])


def load_test(path, input_format: InputFormat) -> tuple[np.ndarray, np.ndarray]:
    """Reads the test images of an NPZ file, `xe` and `ye`, as `load` does.

    Args:
        path: NPZ file.
        input_format: `InputFormat` of the images.

    Raises:
        UserError: If the file does not hold such arrays, or a label is no class.
    """
    return _read(path, "xe", "ye", input_format)


def _read(path, images, labels, input_format):
    names = f"{images} and {labels}"
    if not is_there(path):
        raise UserError(f"--images={path} does not exist: name a file with {names}.")
    try:
        with np.load(path) as arrays:
            images, labels = arrays[images], arrays[labels]
    except (KeyError, ValueError, OSError) as error:
        raise UserError(f"--images={path} has no arrays {names}: {error}") from error
    channels = input_format.shape[-1]
    if images.dtype != "uint8" or images.shape != (len(labels), *images.shape[1:3], 3):
        raise UserError(
            f"--images={path}: {names} are {images.dtype} {images.shape}; expected "
            f"uint8 ({len(labels)}, height, width, {channels})."
        )
    check_labels(labels, len(input_format.class_names))
    return resize(images, input_format.shape[0]), labels.astype("int32")


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Resizes images to a square, as `tfdyn.data.sources.resize_images` does.

    Args:
        images: uint8 array `(images, height, width, channels)`.
        size: Height and width of the result in pixels.

    Returns:
        uint8 array `(images, size, size, channels)`.
    """
    if images.shape[1:3] == (size, size):
        return images

    @jax.jit
    def resized(part):
        shape = (len(part), size, size, part.shape[-1])
        part = jax.image.resize(part.astype("float32"), shape, "linear")
        return jnp.clip(jnp.round(part), 0, 255).astype("uint8")

    parts = np.array_split(images, max(1, len(images) // 1000))
    return np.concatenate([np.asarray(resized(part)) for part in parts])


def batches(images, labels, input_format: InputFormat, size: int = 500):
    """Yields pairs of normalised images and labels, in order.

    Args:
        images: uint8 array `(n, height, width, channels)`.
        labels: int32 array `(n,)`.
        input_format: `InputFormat` of the images.
        size: Number of images in a batch.
    """
    for start in range(0, len(labels), size):
        part = slice(start, start + size)
        yield input_format.normalize(images[part]), labels[part]


def augment(images, key, settings: Settings, input_format: InputFormat):
    """Augments a batch at random and normalises it, as `tfdyn.data.augmentation` does.

    Args:
        images: uint8 JAX array `(batch, size, size, channels)`.
        key: JAX key of the random numbers.
        settings: `Settings` with the augmentation.
        input_format: `InputFormat` of the images.

    Returns:
        float32 JAX array of the same shape.
    """
    count, size = images.shape[:2]
    crop_key, flip_key, cutout_key = jax.random.split(key, 3)
    pixels = jnp.arange(size)
    rows = columns = jnp.broadcast_to(pixels, (count, size))
    if settings.crop == "pad":
        border = size // 8
        images = jnp.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))
        offsets = jax.random.randint(crop_key, (2, count, 1), 0, 2 * border + 1)
        rows, columns = rows + offsets[0], columns + offsets[1]
    if settings.flip:
        flipped = jax.random.bernoulli(flip_key, shape=(count, 1))
        columns = jnp.where(flipped, columns[:, ::-1], columns)
    batch = jnp.arange(count)[:, None, None]
    images = images[batch, rows[:, :, None], columns[:, None, :]]
    images = input_format.normalize(images)
    if settings.cutout:
        centers = jax.random.randint(cutout_key, (2, count, 1), 0, size)
        offsets = pixels - (centers - settings.cutout // 2)
        inside = (offsets >= 0) & (offsets < settings.cutout)
        hole = inside[0][:, :, None, None] & inside[1][:, None, :, None]
        images = jnp.where(hole, 0.0, images)
    return images

"""What every test shares: quiet logs, devices, a fixed seed, the slow ones first."""

import gc
import io
import os

# Read when TensorFlow is imported, by this process and those that tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
# UMAP compiles for half a minute what tests run for seconds.
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from PIL import Image  # noqa: E402

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    # The processor as two devices: what trains on two replicas needs no process of its
    # own. They must be set before TensorFlow runs; all else runs on the first.
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    # Rewriting a graph takes longer than running it faster saves in a test.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def pytest_collection_modifyitems(items):
    """Puts slow tests first: else one process may end long before the other.

    Whole files move, because their tests share fixtures.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish():
    """Lets Python look for garbage less often, and not in what was imported.

    Tracing makes so many objects that it would otherwise take a tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)


@pytest.fixture(autouse=True)
def fixed_seed():
    # The call imports TensorFlow wherever it is installed, and the tests of another
    # backend are to run as if it were not.
    if keras.backend.backend() == "tensorflow":
        keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def few_images(tmp_path_factory):
    """The settings of a small data set: two steps an epoch."""
    folder, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for name in "abcd":
        (folder / name).mkdir()
        of_class = random.integers(0, 128, (8, 8, 3))
        for index in range(54):
            pixels = of_class + random.integers(0, 128, (8, 8, 3))
            image = Image.fromarray(pixels.astype("uint8"))
            image.save(folder / name / f"{index}.png")
    return {
        "dataset": "folder",
        "data_dir": str(folder),
        "image_size": 8,
        "batch_size": 64,
    }


@pytest.fixture(scope="session")
def searched(few_images, tmp_path_factory):
    """A finished InstaNAS of one cell: its `RunFolder`, and what was printed."""
    from tiny_settings import SEARCH, smallest_networks, tiny_instanas_settings

    from tfdyn.training.trainer import train

    output = io.StringIO()
    folder = tmp_path_factory.mktemp("searched") / "run"
    with smallest_networks():
        run = train(tiny_instanas_settings(**SEARCH, **few_images), folder, output)
    return run, output.getvalue()


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """The `RunFolder` of a finished tiny training."""
    from tiny_settings import tiny_settings

    from tfdyn.training.trainer import train

    return train(tiny_settings(), tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def light_only(monkeypatch):
    """Draws each picture of a report once: half of the time that it takes."""
    from tfdyn.reporting.elements import element
    from tfdyn.reporting.picture import Picture

    def render(picture, path):
        picture.draw(path)
        image = element("img", alt=picture.text)
        return element("figure", image, element("figcaption", picture.title))

    monkeypatch.setattr(Picture, "render", render)

"""The public data sets; those of TFDS with tiny ones of the same form."""

import pathlib

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tfdyn.data import sources
from tfdyn.data.augmentation import Augmentation
from tfdyn.data.dataset import load, shape_of
from tfdyn.evaluation.evaluator import Evaluator
from tfdyn.families import networks

with tfds.core.registered.skip_registration():

    class Tiny(tfds.core.GeneratorBasedBuilder):
        """As many classes, splits and images as its arguments name."""

        VERSION = tfds.core.Version("1.0.0")

        def __init__(self, splits, shape, **kwargs):
            self.counts, self.shape = splits, shape
            super().__init__(**kwargs)

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "label": tfds.features.ClassLabel(names=["a", "b"]),
            }
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, dl_manager):
            return {name: self._generate(n) for name, n in self.counts.items()}

        def _generate(self, count):
            for i in range(count):
                image = np.full(self.shape, i, "uint8")
                yield i, {"image": image, "label": i % 2}

        def _generate_examples(self):
            raise NotImplementedError


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    def use(splits, shape):
        builder = Tiny(splits, shape, data_dir=tmp_path)
        # Several files a split, so that their order matters.
        shards = tfds.download.DownloadConfig(num_shards=3)
        builder.download_and_prepare(download_config=shards)
        monkeypatch.setattr(tfds, "builder", lambda name, data_dir: builder)
        return builder

    return use


def labels(batches):
    return np.concatenate([labels for _, labels in batches.as_numpy_iterator()])


def pixels(batches):
    """The first pixel of every image."""
    return np.concatenate([images[:, 0, 0, 0] for images, _ in batches])


def test_digits_have_the_mean_and_the_deviation_of_their_format():
    dataset = load("digits", validation_share=0)
    assert dataset.input_format.class_names == tuple("0123456789")
    images = np.concatenate([x for x, _ in dataset.batches("train", 500)])
    assert abs(images.mean()) < 1e-3 and abs(images.std() - 1) < 1e-3
    counts = np.bincount(labels(dataset.batches("test", 500)))
    assert counts.min() >= 34 and counts.max() <= 37


def test_digits_resized():
    dataset = load("digits", image_size=16)
    images, _ = next(iter(dataset.batches("test", 10)))
    assert images.shape == (10, 16, 16, 1) == (10, *dataset.input_format.shape)


def test_resized_keeps_the_range_and_averages():
    checkers = np.indices((1, 8, 8, 1)).sum(0) % 2 * 255
    smaller = sources.resize_images(checkers.astype("uint8"), 4)
    assert smaller.dtype == "uint8"
    assert np.abs(smaller.astype(int) - 128).max() < 20
    many = np.random.default_rng(0).integers(0, 256, (2500, 2, 2, 3), "uint8")
    for i in (0, 1200, 2499):
        np.testing.assert_array_equal(
            sources.resize_images(many, 5)[i],
            sources.resize_images(many[i : i + 1], 5)[0],
        )


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar(tiny, name):
    tiny({"train": 20, "test": 6}, (32, 32, 3))
    dataset = load(name, validation_share=0.2)
    counts = [dataset.num_examples(s) for s in ("train", "validation", "test")]
    assert counts == [16, 4, 6]
    images, _ = next(iter(dataset.batches("test", 6)))
    expected = dataset.input_format.normalize(np.full((6, 32, 32, 3), 3, "uint8"))[0]
    assert any(np.array_equal(image, expected) for image in images)
    assert sorted(labels(dataset.batches("train", 5))) == [0] * 8 + [1] * 8


def test_imagenet_streams_its_splits(tiny):
    tiny({"train": 50, "validation": 7}, (40, 60, 3))
    dataset = load("imagenet2012", image_size=32, validation_share=0.2)
    counts = [dataset.num_examples(s) for s in ("train", "validation", "test")]
    assert counts == [40, 10, 7]
    seen = [
        set(pixels(dataset.batches(split, 8)).tolist())
        for split in ("train", "validation")
    ]
    assert [len(part) for part in seen] == [40, 10] and not seen[0] & seen[1]
    assert len(set(pixels(dataset.batches("test", 8)).tolist())) == 7
    assert len(dataset.batches("train", 8)) == 5


def test_a_share_that_holds_out_nothing_is_refused(tiny):
    tiny({"train": 50, "validation": 7}, (40, 60, 3))
    with pytest.raises(ValueError, match="validation_share=0.001 holds out none of"):
        load("imagenet2012", image_size=32, validation_share=0.001)


def test_imagenet_epochs_depend_on_seed_and_epoch_alone(tiny):
    tiny({"train": 50, "validation": 7}, (40, 60, 3))
    dataset = load("imagenet2012", image_size=32, validation_share=0)

    def epoch(number):
        augmentation = Augmentation(crop="resized")
        return pixels(
            dataset.batches("train", 8, augmentation, epoch=number, shuffle=True)
        )

    first, again, other = epoch(1), epoch(1), epoch(2)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and set(first) == set(other)


def test_says_how_to_prepare_what_cannot_be_downloaded(tiny, monkeypatch):
    def fail(self):
        raise ConnectionError("no network")

    tiny({"train": 4, "test": 4}, (32, 32, 3))
    monkeypatch.setattr(Tiny, "download_and_prepare", fail)
    with pytest.raises(OSError, match="no network.*tfds build cifar10.*data_dir"):
        load("cifar10")


@pytest.mark.parametrize("name", ["cifar10", "imagenet2012"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "missing"])
def test_broken_files_are_said_to_be(tiny, name, damage):
    test = "validation" if name == "imagenet2012" else "test"
    builder = tiny({"train": 20, test: 6}, (32, 32, 3))
    path = pathlib.Path(builder.info.splits["train"].filepaths[1])
    content = {"truncated": path.read_bytes()[:-50], "empty": b""}
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[damage])
    with pytest.raises(ValueError, match=f"in {builder.data_dir} is broken.*delete"):
        load(name)


def change_a_byte(builder, split):
    path = pathlib.Path(builder.info.splits[split].filepaths[0])
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)


def test_changed_bytes_are_noticed(tiny):
    builder = tiny({"train": 20, "test": 6}, (32, 32, 3))
    change_a_byte(builder, "test")
    with pytest.raises(ValueError, match="is broken .DataLossError"):
        load("cifar10")


def test_changed_bytes_of_a_streamed_file_are_explained_when_they_are_read(tiny):
    builder = tiny({"train": 50, "validation": 7}, (40, 60, 3))
    dataset = load("imagenet2012", image_size=32)
    change_a_byte(builder, "train")
    message = f"in {builder.data_dir} is broken .DataLossError.*delete this folder"
    with pytest.raises(ValueError, match=message), dataset.explain_broken():
        list(dataset.batches("train", 8))
    evaluator = Evaluator(networks.build("drnet_tiny", (32, 32, 3), 2, num_cells=1))
    with pytest.raises(ValueError, match=message):
        evaluator.on(dataset, "train", 0.5)
    with pytest.raises(KeyError), dataset.explain_broken():  # Of the caller.
        raise KeyError


def test_a_broken_description_is_said_to_be(tmp_path, monkeypatch):
    def fail(name, data_dir):
        Tiny({"train": 1}, (32, 32, 3), data_dir=tmp_path)

    builder = Tiny({"train": 1}, (32, 32, 3), data_dir=tmp_path)
    builder.download_and_prepare()
    path = pathlib.Path(builder.data_dir, "dataset_info.json")
    path.write_text(path.read_text()[:100])
    monkeypatch.setattr(tfds, "builder", fail)
    with pytest.raises(ValueError, match="cifar10 in .* is broken .ParseError.*delete"):
        load("cifar10", tmp_path)


@pytest.mark.parametrize("data_dir", ["", "~nobodyhere/x"])
def test_a_folder_that_is_none_is_refused(data_dir):
    with pytest.raises(ValueError, match="data_dir"):
        load("cifar10", data_dir)


def test_images_that_do_not_fit_in_memory_are_refused():
    images = np.zeros((10_000, 2, 2, 1), "uint8")
    with pytest.raises(ValueError, match="image_size=2000 .* 16 GiB"):
        sources.resize_images(images, 2000)


@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("cifar10", (32, 32, 3), 10),
        ("cifar100", (32, 32, 3), 100),
        ("imagenet2012", (224, 224, 3), 1000),
    ],
)
def test_the_shape_is_known_without_the_data(name, shape, classes, tmp_path):
    assert shape_of(name, tmp_path) == (shape, classes)
    assert shape_of(name, tmp_path, 64) == ((64, 64, 3), classes)
    assert not list(tmp_path.iterdir())

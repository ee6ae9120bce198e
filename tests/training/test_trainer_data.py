"""Trainings whose images change between two commands, or are few."""

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from tiny_settings import tiny_settings

from tfdyn.errors import UserError
from tfdyn.evaluation.evaluate_run import evaluate
from tfdyn.runs.run_folder import RunFolder
from tfdyn.training.trainer import train


def draw(folder, classes=("cat", "dog"), images=6):
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(images):
            pixels = np.full((8, 8, 3), 10 * index + label, np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


def settings(folder, **changes):
    changes = {"batch_size": 2, "finetune_epochs": 0, **changes}
    return tiny_settings(
        dataset="folder", data_dir=str(folder), image_size=8, **changes
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder of images, and the run that was trained on it."""
    home = tmp_path_factory.mktemp("data")
    images = draw(home / "photos")
    return images, train(settings(images), home / "run", io.StringIO())


@pytest.fixture
def photos(finished, tmp_path):
    """A copy of both; the run's settings name the copy of the images."""
    images, run = finished
    photos = tmp_path / "photos"
    shutil.copytree(images, photos)
    shutil.copytree(run.path, tmp_path / "run")
    flags = tmp_path / "run" / "flags.txt"
    flags.write_text(flags.read_text().replace(str(images), str(photos)))
    return photos


def rename(photos):
    (photos / "cat").rename(photos / "zcat")


def add(photos):
    draw(photos, ["bird"])


def remove(photos):
    draw(photos, ["bird"])
    shutil.rmtree(photos / "cat")


CLASSES = {
    "renamed": (rename, "without 'cat', with 'zcat'"),
    "added": (add, "3 classes instead of 2, with 'bird'"),
    "replaced": (remove, "without 'cat', with 'bird'"),
}


@pytest.mark.parametrize("unfinished", [False, True])
@pytest.mark.parametrize("change, message", CLASSES.values(), ids=CLASSES)
def test_classes_that_are_no_longer_those_of_the_run(
    photos, tmp_path, change, message, unfinished
):
    run = RunFolder(tmp_path / "run")
    if unfinished:
        (run / "model.keras").unlink()
    before = (run / "input.json").read_bytes(), len(list(run.path.rglob("*")))
    change(photos)
    for action in (
        lambda: train(settings(photos), run.path, io.StringIO()),
        *([] if unfinished else [lambda: evaluate(run.path, [1.0])]),
    ):
        with pytest.raises(UserError, match=f"not what .* trained.*: {message}") as e:
            action()
        assert len(str(e.value)) < 250 + len(str(run))
    assert (run / "input.json").read_bytes() == before[0]
    assert len(list(run.path.rglob("*"))) == before[1]


def test_a_run_records_its_images_and_says_when_they_have_changed(
    photos, tmp_path, capsys
):
    run = RunFolder(tmp_path / "run")
    record = json.loads((run / "data.json").read_text())
    count = sum(record[split]["images"] for split in ("train", "validation", "test"))
    assert count == 12 and record["test"]["labelled_digest"]
    evaluate(run.path, [1.0])
    assert "changed" not in capsys.readouterr().err
    Image.new("RGB", (8, 8), "red").save(photos / "cat" / "00new.png")
    evaluate(run.path, [1.0])
    assert f"The data have changed since {run} was begun" in capsys.readouterr().err


def unfinish(folder):
    (folder / "model.keras").unlink()
    return RunFolder(folder)


def test_a_training_says_that_an_image_was_added_since_it_began(photos, tmp_path):
    run = unfinish(tmp_path / "run")
    record = json.loads((run / "data.json").read_text())
    Image.new("RGB", (8, 8), "red").save(photos / "cat" / "00new.png")
    while record["train"]["images"] % 2:  # One more makes no further step.
        record["train"]["images"] -= 1
    (run / "data.json").write_text(json.dumps(record))
    before = (run / "data.json").read_bytes()
    output = io.StringIO()
    train(settings(photos), run.path, output)
    assert f"The data have changed since {run} was begun" in output.getvalue()
    assert "images instead of" in output.getvalue()
    assert (run / "data.json").read_bytes() == before


def test_a_training_of_another_number_of_steps_is_not_resumed(photos, tmp_path):
    run = unfinish(tmp_path / "run")
    draw(photos, images=12)
    before = (run / "data.json").read_bytes()
    with pytest.raises(UserError, match="steps an epoch, and now .*Restore the images"):
        train(settings(photos), run.path, io.StringIO())
    assert (run / "data.json").read_bytes() == before and not run.finished


def test_a_run_of_an_earlier_version_has_no_record(photos, tmp_path, capsys):
    (tmp_path / "run" / "data.json").unlink()
    evaluate(tmp_path / "run", [1.0])
    message = "has no record of the images it was trained on"
    assert message in capsys.readouterr().err
    output = io.StringIO()
    train(settings(photos), unfinish(tmp_path / "run").path, output)
    assert message in output.getvalue()


def test_two_images_a_class_are_trained_on_without_a_best_epoch(tmp_path):
    images = settings(draw(tmp_path / "photos", images=2), validation_share=0.0)
    run = train(images, tmp_path / "run", io.StringIO())
    with pytest.raises(UserError, match="has no best.keras: it was trained without"):
        run.load_model("best.keras")


OF_A_DMNN = {
    "network": "dmnn_tiny",
    **dict.fromkeys(("num_cells", "num_nodes", "filters", "branches")),
    "drop_branch": 0.7,
}
EARLY = {
    "no test images": (
        {"images": 1},
        {"validation_share": 0.0},
        "holds one image of cat, dog",
    ),
    "no validation images": ({"images": 2}, {}, "needs a training image to spare"),
    "categories": (
        {},
        {**OF_A_DMNN, "categories": "cifr10"},
        "no cifr10, a file for --categories",
    ),
    "a setting of another family": (
        {},
        {"categories": "cifar10"},
        "--categories is a setting of DMNN",
    ),
}


@pytest.mark.parametrize("images, changes, message", EARLY.values(), ids=EARLY)
def test_what_fails_at_the_end_is_refused_before_the_first_step(
    tmp_path, images, changes, message
):
    folder = draw(tmp_path / "photos", **images)
    with pytest.raises((UserError, OSError), match=message):
        train(settings(folder, **changes), tmp_path / "run", io.StringIO())
    assert not (tmp_path / "run").exists()


def test_a_path_that_flags_cannot_hold_is_refused_before_the_first_step(tmp_path):
    folder = draw(tmp_path / "photos ")
    with pytest.raises(UserError, match="cannot be kept in a run's flags.txt"):
        train(settings(folder), tmp_path / "run", io.StringIO())
    assert not (tmp_path / "run").exists()

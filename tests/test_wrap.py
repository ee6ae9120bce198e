"""`python -m tfdyn.wrap`: what it describes, refuses and trains."""

import json

import keras
import pytest
import tiny_wrapped
from in_process import run
from keras import layers

from tfdyn.families.settings import Settings
from tfdyn.runs.run_folder import RunFolder


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "mine.keras"
    tiny_wrapped.residual(tiny_wrapped.GRAY).save(path)
    return path


def command(*words, cwd=None):
    return run("tfdyn.wrap", *words, cwd=cwd)


def test_it_describes_a_model(file, tmp_path):
    result = command(f"--model={file}", "--describe", cwd=tmp_path)
    assert result.status == 0, result.stderr
    assert "3 blocks may be skipped" in result.stdout
    result = command(f"--model={file}", "--describe", "--json", cwd=tmp_path)
    content = json.loads(result.stdout)
    assert [link["name"] for link in content["links"] if link["exit"]] == [
        "one",
        "two",
        "three",
    ]
    assert not [*tmp_path.iterdir()]


def several_outputs(folder):
    inputs = keras.Input((8, 8, 1))
    x = layers.Flatten()(inputs)
    outputs = [layers.Dense(10)(x), layers.Dense(10)(x)]
    keras.Model(inputs, outputs, name="twins").save(folder / "twins.keras")


def of_7_classes(folder):
    chain = [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(7)]
    keras.Sequential(chain).save(folder / "seven.keras")


def of_colours(folder):
    chain = [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(10)]
    keras.Sequential(chain).save(folder / "colours.keras")


def broken(folder):
    (folder / "broken.keras").write_bytes(b"no archive")


@pytest.mark.parametrize(
    ("prepare", "words", "says"),
    [
        (None, [], "--model is missing: the .keras file"),
        (
            None,
            ["--model={file}", "--network=drnet_tiny"],
            "--network=drnet_tiny is no",
        ),
        (None, ["--model=gone.keras"], "gone.keras"),
        (None, ["--model=."], "is a folder"),
        (broken, ["--model=broken.keras"], "broken.keras cannot be loaded by Keras 3"),
        (
            broken,
            ["--model=broken.keras", "--describe"],
            "broken.keras cannot be loaded",
        ),
        (several_outputs, ["--model=twins.keras"], "twins has 1 inputs and 2 outputs"),
        (of_7_classes, ["--model=seven.keras"], "output of the shape (7,)"),
        (of_colours, ["--model=colours.keras"], "--dataset=digits have (8, 8, 1)"),
        (None, ["--model={file}", "--blocks=four"], "four is not a block"),
        (None, ["--model={file}", "--exits=four"], "No exit can stand behind 'four'"),
        (None, ["--model={file}", "--exits=4"], "3 places for exits, not 4"),
        (
            None,
            ["--model={file}", "--selection=none"],
            "--selection=none without --exits",
        ),
        (None, ["--model={file}", "--preprocessing=torch"], "three colours"),
    ],
)
def test_bad_input_is_one_clear_line(prepare, words, says, file, tmp_path):
    if prepare:
        prepare(tmp_path)
    words = [word.format(file=file) for word in words]
    result = command("--dataset=digits", "--noflip", *words, cwd=tmp_path)
    assert result.status == 1 and says in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_it_trains_a_run_named_after_the_model(file, tmp_path):
    small = ("--exits=one", "--exit_filters=0", "--selection=none", "--batch_size=512")
    words = (f"--model={file}", "--dataset=digits", "--noflip", "--pretrain_epochs=1")
    result = command(*words, *small, cwd=tmp_path)
    assert result.status == 0, result.stderr
    folder = RunFolder(tmp_path / "runs" / "wrapped_mine")
    model, settings = folder.load_model(), folder.settings()
    assert [link.name for link in model.chain] == ["stem", "exit_one", "end"]
    # Defaults of this command are others than those of tfdyn.train.
    assert (settings.network, settings.finetune_epochs) == ("wrapped", 0)
    assert settings.threshold == (0.9,) and settings.nesterov
    assert settings.noise_end == Settings().noise_end  # There are no routers.
    assert "runs/wrapped_mine" in result.stdout and "digits" in result.stdout
    # What is finished is not trained again.
    again = command(*words, *small, "--noevaluate", cwd=tmp_path)
    assert again.status == 0 and "is finished" in again.stderr + again.stdout


def test_it_is_still_a_function_after_the_import_of_the_command():
    import tfdyn
    import tfdyn.wrap

    model = tfdyn.wrap(tiny_wrapped.squeezed(), units=4)
    assert isinstance(model, tfdyn.Wrapped)

import shutil

import keras
import pytest
from tiny_settings import tiny_settings

import tfdyn
from tfdyn.data.input_format import InputFormat
from tfdyn.errors import UserError
from tfdyn.runs.run_folder import RunFolder

FORMAT = InputFormat(("cat", "dog"), (8, 8, 1), (0.5,), (0.5,))


def test_holds_what_the_design_lists(tiny_run):
    names = {path.name for path in tiny_run.path.iterdir()}
    assert names >= {
        "flags.txt",
        "input.json",
        "metrics.csv",
        "checkpoints",
        "tensorboard",
        "best.keras",
        "model.keras",
    }
    assert not [name for name in names if "tmp" in name]


def test_flags_repeat_the_run(tiny_run):
    assert tiny_run.settings() == tiny_settings()


def test_knows_its_input(tiny_run):
    input_format = tiny_run.input_format()
    assert input_format.class_names == tuple("0123456789")
    assert input_format.shape == (8, 8, 1)


def test_load_gives_the_model(tiny_run):
    model = tfdyn.load(tiny_run.path)
    assert isinstance(model, tfdyn.DRNet)
    assert float(model.selection.temperature) == 0.5
    assert isinstance(tfdyn.load(tiny_run.path, "best.keras"), tfdyn.DRNet)


def test_load_takes_the_file_of_a_model(tiny_run, tmp_path):
    loaded = tfdyn.load(str(tiny_run / "model.keras"))
    for ours, theirs in zip(
        loaded.weights, tfdyn.load(tiny_run.path).weights, strict=True
    ):
        assert (ours.numpy() == theirs.numpy()).all()
    with pytest.raises(FileNotFoundError, match="nothing.keras"):
        tfdyn.load(tmp_path / "nothing.keras")


def test_other_settings_in_the_folder_are_an_error_that_lists_them(tiny_run):
    with pytest.raises(ValueError, match="--seed is 0 there, 1 here; --momentum"):
        tiny_run.check(tiny_settings(momentum=0.5, seed=1))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "tmp.thesis").write_text("precious")
    with pytest.raises(ValueError, match="not empty and not a run folder"):
        RunFolder(tmp_path).check(tiny_settings())
    assert [path.name for path in tmp_path.iterdir()] == ["tmp.thesis"]


def test_no_file_is_written_through_a_link_that_leads_out(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.start(tiny_settings(), FORMAT)
    assert run.output("export") == run / "export"
    (run / "export").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="outside of"):
        run.output("export")


def test_no_run_folder(tmp_path):
    with pytest.raises(ValueError, match="is not a run folder"):
        tfdyn.load(tmp_path / "nothing")


def test_an_unfinished_run_says_how_to_finish_it(tmp_path):
    RunFolder(tmp_path).start(tiny_settings(), FORMAT)
    with pytest.raises(ValueError, match="is not finished.*python -m tfdyn.train"):
        tfdyn.load(tmp_path)


def test_without_validation_images_no_epoch_is_the_best(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.start(tiny_settings(validation_share=0.0), FORMAT)
    (run / "model.keras").touch()
    with pytest.raises(ValueError, match="no best.keras: .*validation_share=0"):
        run.load_model("best.keras")


@pytest.mark.parametrize("keep", [0, 1000])
def test_a_truncated_model_is_an_error(tiny_run, tmp_path, keep):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    path = tmp_path / "run" / "model.keras"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="truncated or not a model of tfdyn"):
        tfdyn.load(tmp_path / "run")


def test_a_foreign_model_is_an_error(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    model.save(tmp_path / "run" / "model.keras")
    with pytest.raises(ValueError, match="holds a Sequential, not a model of tfdyn"):
        tfdyn.load(tmp_path / "run")


def test_a_flags_file_that_is_none(tmp_path):
    (tmp_path / "flags.txt").write_text("--no_such_setting=1\n")
    with pytest.raises(ValueError, match="no_such_setting"):
        RunFolder(tmp_path).settings()


FLAGS = {
    "empty": (b"", "has no --network, as each run has"),
    "cut off": (b"--network=drnet_s\n--selection=softmax\n--thr", "flags.txt"),
    "cut between lines": (b"--network=drnet_s\n", "has no --dataset"),
    "bytes": (b"\xff\xfe", "not text in UTF-8"),
    "words": (b"hello\n", "is not a flagfile"),
    "value": (b"--network=drnet_s\n--seed=one\n", "flags.txt"),
    "range": (b"--network=drnet_s\n--seed=4294967296\n", "--seed must be from 0 to"),
}


@pytest.mark.parametrize("content, message", FLAGS.values(), ids=FLAGS)
def test_settings_that_are_none_are_named(tmp_path, content, message):
    (tmp_path / "flags.txt").write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        RunFolder(tmp_path).settings()
    assert len(str(error.value).splitlines()) == 1


INPUT = {
    "bytes": (b"\xff\xfe", "not text in UTF-8"),
    "deep": (b"[" * 100_000, "nested too deep"),
    "list": (b"[]", "not an object"),
    "NaN": (
        b'{"class_names": ["a", "b"], "shape": [8, 8, 1], "mean": [NaN], "std": [1]}',
        "finite",
    ),
}


@pytest.mark.parametrize("content, message", INPUT.values(), ids=INPUT)
def test_an_input_format_that_is_none_is_named(tmp_path, content, message):
    (tmp_path / "input.json").write_bytes(content)
    with pytest.raises(UserError, match=f"input.json .*{message}") as error:
        RunFolder(tmp_path).input_format()
    assert len(str(error.value)) < 500 + len(str(tmp_path))


@pytest.mark.parametrize("content", ["[]", "null", "{"])
def test_a_record_of_data_that_is_none_is_named(tmp_path, content):
    (tmp_path / "data.json").write_text(content)
    with pytest.raises(UserError, match="data.json is not the record"):
        RunFolder(tmp_path).data()


def test_a_latency_table_is_told_from_what_stands_beside_it(tmp_path):
    names = ("latency.host.json", "latency.adb-10.0.0.2:5555.json")
    others = ("latency.host.validation.json", "latency.json", "latency.host.png")
    for name in (*names, *others):
        (tmp_path / name).write_text("")
    found = [path.name for path in RunFolder(tmp_path).latency_tables()]
    assert found == sorted(names)

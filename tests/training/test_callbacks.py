import io

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tfdyn.training.callbacks import Progress

LOGS = {"loss": 1.0, "accuracy": 0.5, "expected_macs": 2e6, "temperature": 3.0}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def train(callback, epochs, done=0, stage="pretrain", logs=LOGS):
    callback.set_params({"epochs": 3, "steps": 2, "stage": stage})
    callback.on_train_begin({"epoch": float(done)})
    for epoch in range(done, epochs):
        callback.on_epoch_begin(epoch)
        for step in range(2):
            callback.on_train_batch_end(step, logs)
        callback.on_epoch_end(epoch, logs)


def test_progress_says_how_fast_and_how_long():
    output = Terminal()
    logs = {**LOGS, "val_macs_mean": 1.5e6, "val_ms_mean": 0.81234}
    logs["dependence"] = 0.03124
    train(Progress(10, output), 3, logs=logs)
    text = output.getvalue()
    assert "pretrain 1/3:" in text and "images/s" in text
    last = text.strip().split("\n")[-1].split("\r")[-1]
    assert last.startswith("pretrain 3/3  loss 1.0000  accuracy 0.5000")
    assert "expected_macs 2.00 M" in last and "val_macs 1.50 M" in last
    assert "val_ms 0.8123" in last and "dependence 0.0312" in last
    assert "temperature 3" in last and last.endswith("00:00 left")


def test_progress_without_a_terminal_is_a_line_an_epoch():
    output = io.StringIO()
    train(Progress(10, output), 3, done=1)
    lines = output.getvalue().splitlines()
    assert lines[0] == "resuming after epoch 1"
    assert [line[:12] for line in lines[1:]] == ["pretrain 2/3", "pretrain 3/3"]


def test_progress_of_a_network_without_a_temperature():
    output = io.StringIO()
    logs = {name: value for name, value in LOGS.items() if name != "temperature"}
    train(Progress(10, output), 1, logs=logs)
    assert "temperature" not in output.getvalue()


def test_progress_of_a_search():
    output = io.StringIO()
    logs = {**LOGS, "reward": 12.345, "upper_bound": 4.5e7, "modules": 0.25}
    train(Progress(10, output), 1, logs=logs, stage="router")
    assert "reward 12.3  upper_bound 45.00 M  modules 0.25" in output.getvalue()


def test_tensorboard_has_what_a_run_is_watched_by(tiny_run):
    events = EventAccumulator(str(tiny_run / "tensorboard" / "train"))
    events.Reload()
    tags = set(events.Tags()["tensors"])
    names = ("accuracy", "expected_macs", "temperature", "use_skip_connection")
    names += ("dependence",)
    assert tags >= {f"epoch_{name}" for name in names}

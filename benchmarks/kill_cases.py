"""The commands that `benchmarks.kills` kills."""

import dataclasses
import pathlib
from collections.abc import Callable

from export.runtime import Classifier
from tfdyn import output
from tfdyn.costs.cost_table import CostTable
from tfdyn.evaluation import reports
from tfdyn.runs.run_folder import RunFolder
from tfdyn.temporary import finish

# In the words of a command: the folder that it writes, and a finished run.
FOLDER, RUN = "FOLDER", "RUN"
SHORT = ["--dataset=digits", "--noflip", "--batch_size=128", "--noevaluate"]
TRAININGS = {
    "drnet": [
        *("--network=drnet_tiny", "--num_cells=1", "--num_nodes=1", "--filters=4"),
        *("--branches=sep_conv_3x3,skip_connection", "--drop_branch=0.2", *SHORT),
        *("--pretrain_epochs=2", "--finetune_epochs=2"),
    ],
    "dmnn": [
        *("--network=dmnn_tiny", "--threshold=0.5", *SHORT),
        *("--pretrain_epochs=0", "--finetune_epochs=2"),
    ],
    "instanas": [
        *("--network=instanas_tiny", "--threshold=0.5", "--drop_branch=0.5", *SHORT),
        *("--pretrain_epochs=0", "--joint_epochs=10", "--finetune_epochs=0"),
        "--noretrain",
    ],
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A command that is killed and run again.

    Attributes:
        words: Its module and flags. `FOLDER` and `RUN` stand for folders.
        read: Function that reads the result as other commands do, from the folder. It
            raises a UserError or an OSError if there is none.
        sets: Patterns of the paths of the files that it reads. All of them must be of
            one command.
        before: Words of an earlier command whose result is there at the start.
        copies_run: Whether the folder is a copy of the finished run.
        every: It is killed in every turn whose number is a multiple of this.
    """

    words: list[str]
    read: Callable[[pathlib.Path], object]
    sets: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    copies_run: bool = False
    every: int = 1


def cases() -> dict[str, Case]:
    """Returns the commands to kill, by name."""
    trainings = {
        f"train {name}": Case(
            ["tfdyn.train", *flags, f"--run_dir={FOLDER}"],
            lambda folder: RunFolder(folder).load_model(),
            ("model.keras",),
            every=4 if name == "instanas" else 1,  # The others take half as long.
        )
        for name, flags in TRAININGS.items()
    }

    def export(command, read, *sets):
        words = [command, f"--run_dir={RUN}", f"--export_dir={FOLDER}"]
        return Case(words, read, sets, (*words, "--threshold=0.9"))

    latency = ["export.latency", f"--run_dir={RUN}", "--rounds=8", "--validate=6"]
    evaluate = ["tfdyn.evaluate", f"--run_dir={FOLDER}"]
    return {
        "export.tflite": export("export.tflite", _classify, "*.tflite", "*.json"),
        "export.latency": Case(
            [*latency, f"--output={FOLDER}/latency.host.json"],
            lambda folder: CostTable.load(folder / "latency.host.json"),
        ),
        "evaluate": Case(
            [*evaluate, "--thresholds=0.6,1"],
            _read_evaluation,
            ("evaluation.*",),
            (*evaluate, "--thresholds=0.9,1"),
            copies_run=True,
        ),
        "export.saved_model": export(
            "export.saved_model", _exists("saved_model"), "saved_model/*"
        ),
        "export.android": export("export.android", _exists("android"), "android/*"),
        **trainings,
    }


def _read_evaluation(folder):
    finish(folder)
    return reports.read(folder / "evaluation.json")


def _classify(folder):
    with output.quiet():
        return Classifier(folder / "model.tflite")


def _exists(name):
    def read(folder):
        (folder / name).stat()

    return read

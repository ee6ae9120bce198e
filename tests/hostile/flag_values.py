"""Cases of flags: values that none may have, and flags that a command does not read."""

import dataclasses

from hostile.broken_files import (
    ANDROID,
    BUDGET,
    CHECK,
    CLASSIFY,
    CODEBOOK,
    EVALUATE,
    FIXED,
    LATENCY,
    NEW,
    SAVED_MODEL,
    SUMMARY,
    TFLITE,
)
from hostile.case import Case

from tfdyn.families.settings import Settings
from tfdyn.settings.fields import is_within

DESCRIBE = ("tfdyn.summary", "--flagfile=tiny.flags")
CATEGORIES = ("tfdyn.categories", "--output=new/categories.json")
RUN = ("run",)
NUMBERS = {
    "int": ("-1", "0", "1.5", "1e3", "abc", "99999999999999999999"),
    "float": ("nan", "inf", "-inf", "-0.5", "0", "1", "2", "1e400", "abc", "1,2"),
}
# Flags of commands: their values that must be refused.
VALUES = [
    (EVALUATE, "thresholds", ("0", "-1", "1.5", "nan", "abc", "0.5,,1", "")),
    (EVALUATE, "batch_size", ("0", "-5", "abc", "99999999999999999999", "1.5")),
    (EVALUATE, "weights", ("worst", "model.keras", "../model")),
    (EVALUATE, "data_dir", ("nowhere", "")),
    (EVALUATE, "cost_table", ("nowhere.json", "", "run")),
    (EVALUATE, "budget_ms", ("nan", "-1", "0", "abc", "", "1,,2", "inf")),
    (EVALUATE, "target_rate", ("0", "-1", "70", "nan", "abc", "")),
    (EVALUATE, "categories", ("cifr10", "cifar10", "", "nowhere.json", "run")),
    (
        EVALUATE,
        "per_image",
        ("run", "image.png/x.csv", "/proc/x.csv", "", "$HOME/x.csv", "x.json", ".csv/"),
    ),
    (EVALUATE, "inference_temperature", ("0", "-1", "nan", "inf", "abc")),
    (TFLITE, "threshold", ("0", "-1", "1.5", "nan", "abc", "0.5,0.5,0.5", "")),
    (TFLITE, "check_images", ("0", "-1", "abc", "1.5", "99999999999999999999")),
    (TFLITE, "precision", ("int3", "", "float64")),
    (TFLITE, "variant", ("routd", "", "none")),
    (TFLITE, "budget_ms", ("nan", "-1", "0", "abc", "1,2", "")),
    (TFLITE, "target_rate", ("0", "-1", "70", "nan", "abc", "")),
    (TFLITE, "latency_table", ("nowhere.json", "run", "")),
    (TFLITE, "export_dir", ("", "image.png", "image.png/x", "/proc/x", "/dev/null")),
    (TFLITE, "operating_point", ("A", "Z", "../A", "")),
    (TFLITE, "data_dir", ("", "image.png")),
    (FIXED, "route", ("nowhere.json", "run", "")),
    (FIXED, "image", ("nowhere.png", "run", "")),
    (SAVED_MODEL, "threshold", ("0", "2", "nan", "abc", "0.5,0.5,0.5")),
    (SAVED_MODEL, "export_dir", ("", "image.png", "/proc/x")),
    (SAVED_MODEL, "check_images", ("0", "-1", "abc")),
    (ANDROID, "threshold", ("0", "2", "nan", "abc")),
    (ANDROID, "cost_table", ("nowhere.json", "run", "")),
    (ANDROID, "precision", ("int3", "")),
    (ANDROID, "export_dir", ("", "image.png", "/proc/x")),
    (LATENCY, "rounds", ("0", "-1", "abc", "1.5", "1000000")),
    (LATENCY, "num_threads", ("0", "-1", "abc", "100000", "1000000")),
    (LATENCY, "device", ("gpu", "", "adb:")),
    (LATENCY, "validate", ("-1", "abc", "1000000")),
    (LATENCY, "timeout", ("0", "-1", "nan", "inf", "abc", "1e400")),
    (
        LATENCY,
        "output",
        ("run", "x.txt", "image.png", "image.png/x.json", "", ".json/"),
    ),
    (CHECK, "validate", ("3",)),
    (CHECK, "num_threads", ("0", "abc", "100000")),
    (CLASSIFY, "top", ("0", "-1", "abc")),
    (CLASSIFY, "threshold", ("0.5", "abc", "nan", "", "1,2")),
    (CLASSIFY, "num_threads", ("0", "-1", "100000", "1000000", "abc")),
    (CLASSIFY, "model", ("nowhere.tflite", "run", "", "image.png", "run/model.keras")),
    (
        CODEBOOK,
        "output",
        ("run", "x.txt", "image.png", "image.png/x.json", "route.json", ".json/"),
    ),
    (CODEBOOK, "size", ("0", "-1", "65", "abc", "2.5")),
    (CODEBOOK, "routes", ("1", "-1", "abc")),
    (CODEBOOK, "least_cost", ("-1", "2", "nan", "inf", "abc")),
    (CODEBOOK, "threshold", ("0", "2", "nan", "abc")),
    (CODEBOOK, "cost_table", ("nowhere.json", "", "run")),
    (CODEBOOK, "data_dir", ("nowhere", "")),
    (CODEBOOK, "batch_size", ("0", "-5", "abc")),
    (CODEBOOK, "run_dir", ("nowhere", "image.png", "photos", "")),
    (
        (*NEW, "--drop_branch=0.7"),
        "codebook",
        ("nowhere.json", "image.png", "", "run", "route.json"),
    ),
    (NEW, "strategy", ("mirored", "tpu", "")),
    (NEW, "data_dir", ("", "nowhere", "image.png", "~nobodyhere/x")),
    (NEW, "init_from", ("nowhere", "image.png", "", "photo_run")),
    (NEW, "cost_table", ("nowhere.json", "", "run")),
    (NEW, "branches", ("sep_conv_3x3,bogus", "", ",", "skip_connection,")),
    (NEW, "threshold", ("0", "2", "nan", "abc", "0.5,0.5,0.5")),
    (NEW, "network", ("drnet_xxl", "", "../drnet", "DRNet_S")),
    (NEW, "dataset", ("cifar", "mnist2", "", "../x")),
    (NEW, "learning_rate_steps", ("a", "1,b", "-1", "1.5")),
    (NEW, "run_dir", ("", "image.png", "image.png/x", "/proc/x", "/dev/null", "a\nb")),
    (NEW, "flagfile", ("nowhere.flags", "run", "image.png", "", "run/model.keras")),
    (SUMMARY, "run_dir", ("nowhere", "image.png", "photos", "", "run/export")),
    (EVALUATE, "run_dir", ("nowhere", "image.png", "photos", "", "run/export")),
    (TFLITE, "run_dir", ("nowhere", "image.png", "photos", "", "run/export")),
    (EVALUATE, "run_dirs", ("nowhere", "run,nowhere", "image.png", "")),
    (CATEGORIES, "count", ("-1", "0", "abc", "1.5")),
    (CATEGORIES, "hierarchy", ("nowhere", "run", "")),
]
# Commands, and flags that they do not read or that exclude each other.
UNREAD = [
    (DESCRIBE, "target_rate=0.5", "alpha=0.6", "router=residual", "joint_epochs=20"),
    (DESCRIBE, "noise_free_rates", "noprevious_state", "router_units=4"),
    (
        DESCRIBE,
        "sub_blocks=2",
        "block_rate_weight=0",
        "target_rate_start=1",
        "entropy=authors",
    ),
    (DESCRIBE, "operating_point=A", "noretrain", "entropy_weight=1", "reward_right=2"),
    (DESCRIBE, "upper_bound_start=1", "upper_bound_end=0.25", "lower_bound=fallback"),
    (DESCRIBE, "reward_wrong=-1", "router_learning_rate=0.1", "network=dmnn_tiny"),
    (DESCRIBE, "meta_graph_learning_rate=1", "meta_graph_momentum=0.5", "run_dir=run"),
    (NEW, "target_rate=0.5", "alpha=0.6", "router=residual", "joint_epochs=20"),
    (NEW, "noise_free_rates", "sub_blocks=2", "operating_point=A", "categories=x"),
    (NEW, "inputs_per_node=99", "num_cells=100000", "filters=100000000", "nosense=1"),
    (NEW, "cost_table=table.json --cost_unit=params", "thesis.txt"),
    (NEW, "network=resnet_xs --target_rate=0.3", "network=resnet_xs --alpha=0.7"),
    (NEW, "network=dmnn_tiny --temperature_decay=1", "network=dmnn_tiny --filters=4"),
    (NEW, "network=instanas_tiny --num_cells=1", "network=dmnn_tiny --cost_weight=1"),
    (
        NEW,
        "distillation=0.1",
        "trunk_gradient=0.1",
        "router_units=4",
        "rates_by_confidence",
    ),
    (CODEBOOK, "codebook=route.json", "thresholds=1", "network=drnet_l", "seed=1"),
    (TFLITE, "network=drnet_l", "filters=8", "seed=3", "pretrain_epochs=9", "noflip"),
    (
        TFLITE,
        "cost_table=table.json",
        "route=route.json",
        "image=image.png",
        "untrained",
    ),
    (TFLITE, "variant=all_branches --threshold=0.5", "flagfile=tiny.flags"),
    (TFLITE, "variant=fixed --route=route.json --image=image.png", "batch_size=3"),
    (
        TFLITE,
        "variant=fixed --route=route.json --threshold=0.5",
        "dtype_policy=float32",
    ),
    (TFLITE, "budget_ms=1 --threshold=0.5", "budget_ms=1 --target_rate=0.5", "nosense"),
    (TFLITE, "variant=fixed --latency_table=table.json", "label_smoothing=0.1", "word"),
    (SAVED_MODEL, "target_rate=0.5", "cost_table=table.json", "network=drnet_l"),
    (SAVED_MODEL, "budget_ms=1", "latency_table=table.json", "variant=fixed", "seed=1"),
    (
        ANDROID,
        "target_rate=0.5",
        "budget_ms=1",
        "latency_table=table.json",
        "filters=4",
    ),
    (LATENCY, "threshold=0.5", "target_rate=0.5", "cost_table=table.json", "seed=1"),
    (LATENCY, "check --validate=2", "network=drnet_l", "batch_size=3", "flip"),
    (SUMMARY, "network=drnet_l", "flagfile=tiny.flags", "filters=8", "batch_size=3"),
    (EVALUATE, "run_dirs=run,run", "network=drnet_l", "threshold=0.5", "image_size=16"),
    (CLASSIFY, "run_dir=run", "variant=fixed", "flagfile=tiny.flags", "batch_size=2"),
    (BUDGET, "threshold=0.3", "target_rate=0.4", "budget_ms=3,4"),
]


def cases():
    """Yields the cases."""
    uses = ("tiny.flags", "image.png")
    for field in dataclasses.fields(Settings):
        for value in _wrong(field):
            name = f"--{field.name}"
            words = (*NEW, f"{name}={value}")
            title = f"{name}={value}"
            yield Case("flag's value", title, words, (field.name,), uses)
    uses = ("run", "photos", "tiny.flags", "image.png", "photo_run", "route.json")
    for command, name, values in VALUES:
        for value in values:
            words = (*command, f"--{name}={value}")
            title = f"{command[0]} --{name}={value!r}"
            names = (name, value, value.split("/")[0]) if len(value) > 2 else (name,)
            yield Case("flag's value", title, words, names, uses)
    uses = (*uses, "table.json")
    for command, *flags in UNREAD:
        for flag in flags:
            word = flag in ("word", "thesis.txt")
            words = (*command, *(flag if word else f"--{flag}").split())
            names = tuple(
                part.partition("=")[0].removeprefix("--").removeprefix("no")
                for part in flag.split()
            )
            title = " ".join((*command, flag))
            yield Case("flag not read", title, words, names, uses)


def _wrong(field):
    """Yields values that the field of a setting must refuse."""
    within, choices = field.metadata["within"], field.metadata["choices"]
    kind = str(getattr(field.type, "__name__", field.type)).split()[0]
    if choices:
        yield from ("", "bogus", choices[0].upper() + "x")
        return
    if kind == "bool":
        yield from ("maybe", "2")
        return
    for value in NUMBERS.get(kind, ()):
        try:
            number = (float if kind == "float" else int)(value)
        except ValueError:
            yield value
            continue
        if number in (float("inf"), -float("inf")) or number != number:
            yield value
        elif within and not is_within(number, within):
            yield value

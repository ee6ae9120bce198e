"""Times a network in a headless browser and on this machine, in turn.

`python -m benchmarks.browser_latency --run_dir=pretrained/drnet_xs_cifar10`

Three forms of the network are timed on the first test images, with one thread: routed,
with all branches, and with the most frequent route of these images alone. The last two
have neither gates nor routers. LiteRT.js runs them in a Chromium of this machine, and
LiteRT in this process.
"""

import contextlib
import functools
import pathlib
import tempfile

import numpy as np
from absl import flags

from export import flags as export_flags
from export.exporter import choose_route
from export.graph import trace
from export.graph.convert import convert
from export.graph.form import Form
from export.latency import rounds
from export.latency.devices.devices import make_device
from export.latency.devices.host import Host
from export.source import Source
from tfdyn import commands
from tfdyn.text import align

FLAGS = flags.FLAGS
VARIANTS = ("routed", "all_branches", "fixed")
RUNS = 15


def measure(source: Source, device, images: np.ndarray, most: int) -> dict:
    """Times three forms of a network on a device and on this machine.

    Args:
        source: `Source` of the network.
        device: `Browser`, or any other device.
        images: uint8 images `(n, height, width, channels)`.
        most: Number of rounds, in each of which everything is timed.

    Returns:
        A dict ready for JSON: `device`, what it says of itself; `images` (n), `rounds`;
        and `ms`, which maps the device's and this machine's names to the medians of the
        forms, over images and rounds.
    """
    host = Host()
    threshold = source.model.threshold
    route, _ = choose_route(source, threshold, images)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        files, inputs = {}, {}
        for variant in VARIANTS:
            function = trace.gated(
                source.model,
                source.input_format,
                Form(variant, threshold),
                route if variant == "fixed" else None,
            )
            path = folder / f"{variant}.tflite"
            path.write_bytes(convert(function))
            for index, image in enumerate(images):
                files[variant, index] = path
                inputs[variant, index] = {"image": image}
        sessions = {
            each.name: stack.enter_context(each.session(files, inputs))
            for each in (host, device)
        }
        names = [(name, *key) for key in files for name in sessions]
        time = functools.partial(_time, sessions)
        times = rounds.alternate(time, names, (most, most))
    medians = {
        name: {
            variant: float(
                np.median([times[name, variant, i] for i in range(len(images))])
            )
            for variant in VARIANTS
        }
        for name in sessions
    }
    return {
        "source": source.name,
        "device": device.describe(),
        "host": host.describe(),
        "images": len(images),
        "rounds": most,
        "ms": medians,
    }


def _time(sessions, name):
    device, *key = name
    return sessions[device](tuple(key), runs=RUNS)


def table(content: dict) -> str:
    """Returns the result of `measure` as a table."""
    rows = [["ms", *VARIANTS]]
    for name, medians in content["ms"].items():
        rows.append([name, *(f"{medians[variant]:.3f}" for variant in VARIANTS)])
    return align(rows)


def main() -> None:
    """Runs the command on the flags."""
    source = export_flags.source_from_flags()
    images, _ = source.test_images(FLAGS.images)
    options = {"program": FLAGS.browser}
    if FLAGS.litert_js:
        options["packages"] = FLAGS.litert_js
    device = make_device("browser", browser=options)
    with contextlib.closing(device):
        content = measure(source, device, images, FLAGS.rounds)
    commands.report(content, table(content))


if __name__ == "__main__":
    export_flags.define_source()
    flags.DEFINE_integer("images", 20, "Number of test images.", 1, 10_000)
    flags.DEFINE_integer("rounds", 7, "Times that each is timed on each image.", 1)
    flags.DEFINE_string("browser", "auto", "Chromium or Chrome; auto: one on PATH.")
    flags.DEFINE_string(
        "litert_js", None, "Folder in which npm has installed LiteRT.js."
    )
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)

"""Exports a run for Android: `python -m export.android --run_dir=runs/NAME`."""

import dataclasses
import pathlib
import shutil

from absl import flags

from export import source as sources
from export import tflite
from tfdyn import commands, output
from tfdyn.errors import UserError
from tfdyn.routing.route import most_frequent

FLAGS = flags.FLAGS
TEMPLATES = pathlib.Path(__file__).with_name("templates")
SCRIPT = "run_benchmark.sh"


def export(source, form, precision="float32", images=None, labels=None, table=None):
    """Writes a folder for the stock benchmark and for an app's assets.

    It is `android/` in the source's folder, and appears whole or not at all:
    the routed, all-branches and fixed models, the last of the images' most frequent
    route, `model.json`, `labels.txt`, a light, a median and a heavy image
    (`export.android.inputs`), `run_benchmark.sh` and a page, `README.md`.

    Args:
        source: `export.source.Source`.
        form: `export.graph.Form` of the routed model.
        precision: Of the weights, as `export.tflite.export` has it.
        images: uint8 images to check the models on and to choose from,
            `(n, height, width, channels)`.
        labels: Their labels, `(n,)`, or `None`.
        table: `CostTable` in ms, to predict times and to choose by them; or `None`.

    Returns:
        The folder and the content of its `inputs.json`.

    Raises:
        ValueError: If an argument or the outcome of a check is not as it must be, or
            the folder is another's.
        OSError: If the folder cannot be written to.
    """
    from export.android import benchmark as android_benchmark
    from export.android import inputs as android_inputs
    from export.android import page as android_page
    from export.interpreter import Interpreter
    from tfdyn.files import whole_folder, write_json, write_text

    cost = android_inputs.cost_of(source.model, table)
    inputs = android_inputs.Inputs(source, form, images, labels, cost)
    folder = source.folder / "android"
    check_folder(folder)
    sources.writable(source.folder)
    with whole_folder(folder) as temporary:
        own = dataclasses.replace(source, folder=temporary)
        entries = {}

        def write_model(variant, route=None):
            threshold_input = form.threshold_input and variant == "routed"
            made = dataclasses.replace(
                form, variant=variant, threshold_input=threshold_input
            )
            path, entry = tflite.export(own, made, precision, route, images, labels)
            entries[variant] = entry
            return path

        path = write_model("routed")
        with output.quiet():  # LiteRT tells of its delegate.
            routed = Interpreter(path)
        taken = inputs.routes(routed)
        write_model("all_branches")
        route, share = most_frequent(taken)
        write_model("fixed", route)
        chosen = inputs.choose(taken)
        found = {**inputs.describe(routed, chosen), "fixed_route_share": share}
        write_json(temporary / "inputs.json", found)
        (temporary / "inputs").mkdir()
        inputs.save_pictures(temporary / "inputs", chosen)
        given = {name: inputs.given(index) for name, index in chosen.items()}
        android_benchmark.write(temporary, given)
        shutil.copyfile(TEMPLATES / SCRIPT, temporary / SCRIPT)
        (temporary / SCRIPT).chmod(0o755)  # An installed package has lost its mode.
        names = source.input_format.class_names
        write_text(temporary / "labels.txt", "".join(f"{name}\n" for name in names))
        page = android_page.page(TEMPLATES / "README.md", own, form, entries, found)
        write_text(temporary / "README.md", page)
    return folder, found


def check_folder(folder):
    """Refuses a folder that this command has not made: it would be replaced."""
    if folder.exists() and not (folder / SCRIPT).is_file():
        raise UserError(
            f"{folder} is there already and is not a folder of this command: move it "
            f"away, or choose another place by --export_dir."
        )


def main():
    """Runs the command on the flags."""
    from tfdyn.evaluation.budget import load_table

    from export.android.inputs import table_lines
    from tfdyn.costs.cost_table import CostTable

    source = sources.from_command()
    form = sources.form_from_flags(source)
    table = CostTable.load(FLAGS.cost_table) if FLAGS.cost_table else None
    if source.run and not table:
        _, table = load_table(source.run)
    say = (lambda text: None) if FLAGS.json else print
    say(f"exporting {source.name} for Android, in three variants, {FLAGS.precision}")
    images, labels = source.test_images(FLAGS.check_images)
    folder, found = export(source, form, FLAGS.precision, images, labels, table)
    if FLAGS.json:
        commands.print_json({"folder": str(folder), **found})
        return
    print("\n".join(["", *table_lines(found), ""]))
    if not found["trained"]:
        print("not trained: weights are random and images are noise, for timing alone")
    print(f"wrote {folder}: {SCRIPT} times the models on a phone; README.md says more")


if __name__ == "__main__":
    sources.define()
    flags.adopt_module_key_flags(sources)  # so that --help lists them
    flags.declare_key_flag("cost_table")
    flags.DEFINE_enum("precision", "float32", tflite.PRECISIONS, "Of the weights.")
    commands.define_json()
    commands.run(main)

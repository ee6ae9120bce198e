"""Exports a run for Android: `python -m export.android --run_dir=runs/NAME`."""

from absl import flags

from export import flags as export_flags
from export.graph.form import CALIBRATION_IMAGES, PRECISIONS
from tfdyn import commands

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from export.android.folder import SCRIPT, export_android
    from export.android.inputs import table_text
    from tfdyn.costs.table_precision import check_precision, precision_of
    from tfdyn.runs.tables import load_in_ms, load_table

    export_flags.refuse_int8_io()
    source = export_flags.source_from_flags(("threshold", "cost_table"))
    form = export_flags.form_from_flags(source)
    table, precision = None, FLAGS.precision
    if FLAGS.cost_table:
        table = load_in_ms(FLAGS.cost_table)
        check_precision(table, precision, source.home)
    elif source.run:
        _, table = load_table(source.run, precision=precision)
        if table and precision_of(table) != precision:  # That of the training.
            table = None
    commands.say(
        f"exporting {source.name} for Android, in three variants, {FLAGS.precision}\n"
    )
    calibration = None
    if FLAGS.precision == "int8":  # Before test images, for which noise may stand in.
        calibration = source.calibration_images(CALIBRATION_IMAGES)
    images, labels = source.test_images(FLAGS.check_images)
    folder, content = export_android(
        source, form, images, labels, FLAGS.precision, table, calibration
    )
    text = (
        f"{table_text(content)}\n\nwrote {folder}: {SCRIPT} times the models on a "
        f"phone; README.md says more"
    )
    commands.report({"folder": str(folder), **content}, text)


if __name__ == "__main__":
    export_flags.define_source()
    export_flags.define_form()

    flags.declare_key_flag("cost_table")
    flags.DEFINE_enum("precision", "float32", PRECISIONS, "Precision of the weights.")
    export_flags.define_int8_io()
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)

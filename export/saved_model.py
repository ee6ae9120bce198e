"""Exports a run to a SavedModel: `python -m export.saved_model --run_dir=runs/NAME`."""

from absl import flags

from export import flags as export_flags
from tfdyn import commands

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from export.exporter import export_saved_model

    source = export_flags.source_from_flags(("threshold",))
    form = export_flags.form_from_flags(source)
    commands.say(f"exporting {source.name}")
    images, labels = source.test_images(FLAGS.check_images)
    path, results = export_saved_model(source, form, images, labels)
    lines = [
        f"{name}: as in Keras on {row['same_top1']} of {row['images']} images, "
        f"logits to {row['max_logit_difference']:.1e}"
        + (f"; accuracy {row['accuracy']:.2%}" if "accuracy" in row else "")
        for name, row in results.items()
    ]
    content = {"folder": str(path), "trained": source.run is not None, **results}
    content |= {"checked_on": "noise"} if labels is None else {}
    commands.report(content, "\n".join([*lines, f"wrote {path}"]))


if __name__ == "__main__":
    export_flags.define_source()
    export_flags.define_form()

    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main)

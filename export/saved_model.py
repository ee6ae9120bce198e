"""Exports a run to a SavedModel: `python -m export.saved_model --run_dir=runs/NAME`."""

from absl import flags

from export import source as sources
from tfdyn import commands, output

FLAGS = flags.FLAGS


def export(source, form, images, labels=None):
    """Writes a network as a SavedModel that needs TensorFlow alone, checked.

    Its signatures take `images` of any batch size ("batched": each branch runs on the
    rows that chose it) or one `image` ("gated": each branch behind a `tf.cond`).
    Both return `logits`, `probabilities`, `macs` and `route`.

    Args:
        source: `export.source.Source`.
        form: `export.graph.Form` of the routed variant.
        images: uint8 images to check it on, `(n, height, width, channels)`.
        labels: Their labels `(n,)`, to count the accuracy, or `None`.

    Returns:
        The folder, and what the check found.

    Raises:
        ValueError: If its outputs are not Keras's.
        OSError: If the folder cannot be written to.
    """
    import tensorflow as tf

    from export.graph import trace
    from tfdyn.files import whole_folder

    model, given = source.model, source.input_format
    sources.writable(source.folder)
    module = tf.Module()
    # The variables alone: Keras's layers would need Keras to be loaded.
    module.weights = [variable.value for variable in model.variables]
    signatures = {
        "batched": trace.batched(model, given, form),
        "gated": trace.gated(model, given, form, constants=False),
    }
    path = source.folder / "saved_model"
    with whole_folder(path) as temporary:
        with output.quiet():
            tf.saved_model.save(module, str(temporary), signatures=signatures)
        found = check(temporary, source, form, images, labels)
    return path, found


def check(path, source, form, images, labels=None, gated_images=16):
    """Compares both signatures with Keras.

    Args:
        path: Folder of the SavedModel.
        source: `Source` of the network.
        form: `Form` that it was traced with.
        images: uint8 images `(n, height, width, channels)`.
        labels: Their labels `(n,)`, or `None`.
        gated_images: How many of them to run one by one.

    Returns:
        What `export.checks.parity.compare` returns, and `accuracy`, by signature.

    Raises:
        ValueError: If they differ.
    """
    import numpy as np
    import tensorflow as tf

    from export.checks import parity

    signatures = tf.saved_model.load(str(path)).signatures
    normalized = np.asarray(source.input_format.normalize(images))
    given = images if form.preprocess else normalized
    threshold, more = form.threshold, {}
    if form.threshold_input:
        threshold = float(np.mean(threshold))
        more = {"threshold": tf.constant(threshold)}
    reference = parity.Reference(source.model)
    logits, routes = reference(normalized, threshold)
    batches = [tf.constant(given[i : i + 250]) for i in range(0, len(given), 250)]
    rows = [tf.constant(given[i : i + 1]) for i in range(min(gated_images, len(given)))]
    outputs = {
        "batched": [signatures["batched"](images=x, **more) for x in batches],
        "gated": [signatures["gated"](image=x, **more) for x in rows],
    }
    found = {}
    for name, parts in outputs.items():
        actual = [
            np.concatenate([p[key] for p in parts]) for key in ("logits", "route")
        ]
        count = len(actual[0])
        found[name] = parity.compare(
            reference,
            normalized[:count],
            (logits[:count], routes[:count]),
            actual,
            threshold,
            parity.TOLERANCES["float32"],
            scaled=source.run is None,
        )
        if labels is not None:
            right = actual[0].argmax(-1) == labels[:count]
            found[name]["accuracy"] = float(right.mean())
    return found


def main():
    """Runs the command on the flags."""
    source = sources.from_command()
    form = sources.form_from_flags(source)
    sources.writable(source.folder)
    if not FLAGS.json:
        print(f"exporting {source.name}")
    images, labels = source.test_images(FLAGS.check_images)
    path, found = export(source, form, images, labels)
    if FLAGS.json:
        commands.print_json({"folder": str(path), **found})
        return
    for name, row in found.items():
        print(
            f"{name}: as in Keras on {row['same_top1']} of {row['images']} images, "
            f"logits to {row['max_logit_difference']:.1e}"
            + (f"; accuracy {row['accuracy']:.2%}" if "accuracy" in row else "")
        )
    print(f"wrote {path}")


if __name__ == "__main__":
    sources.define()
    flags.adopt_module_key_flags(sources)  # so that --help lists them
    commands.define_json()
    commands.run(main)

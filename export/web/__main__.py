"""Exports a run as a web page: `python -m export.web --run_dir=runs/NAME`."""

import pathlib

from absl import flags

from export import flags as export_flags
from export.graph.form import PRECISIONS
from tfdyn import commands
from tfdyn.errors import UserError
from tfdyn.temporary import LIST

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    if not FLAGS.serve and (FLAGS.host != "127.0.0.1" or FLAGS["port"].present):
        raise UserError("--host and --port are for --serve: add it, or leave them out.")
    folder = _exported() if FLAGS.serve else None
    if not folder:
        folder = _export()
    if FLAGS.serve:
        _serve(folder)


def _exported():
    """Returns the folder of an earlier export, or `None`."""
    if not (FLAGS.export_dir or FLAGS.run_dir):
        return None
    parent = FLAGS.export_dir or pathlib.Path(FLAGS.run_dir, "export")
    folder = pathlib.Path(parent, "web")
    return folder if (folder / LIST).is_file() else None


def _export():
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn import output

    output.start_tensorflow()
    from export.web.folder import bytes_loaded, export_web

    source = export_flags.source_from_flags(("threshold",))
    form = export_flags.form_from_flags(source)
    commands.say(f"exporting {source.name} as a web page, {FLAGS.precision}")
    images, labels = source.test_images(FLAGS.check_images)
    folder, content = export_web(
        source, form, images, labels, FLAGS.precision, FLAGS.litert_js
    )
    loaded = bytes_loaded(folder)
    text = (
        f"wrote {folder}, of which a browser loads {loaded / 1e6:.1f} MB: any web "
        f"server shows it, also `python -m export.web --export_dir={folder.parent} "
        f"--serve`"
    )
    keys = ("name", "family", "threshold", "models", "versions")
    result = {"folder": str(folder), "bytes_loaded": loaded}
    result |= {key: content[key] for key in keys}
    commands.report(result, text)
    return folder


def _serve(folder):
    from export.browser import address
    from export.browser.server import for_folder, open_server

    server = open_server(for_folder(folder), FLAGS.host, FLAGS.port)
    with server:
        page = address.address_of(FLAGS.host, server.server_port)
        text = address.describe(page, FLAGS.host)
        print(f"serving {folder}: {text}\nCtrl-C ends it", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            commands.say("ended")


if __name__ == "__main__":
    export_flags.define_source()
    export_flags.define_form()
    FLAGS.set_default("threshold_input", True)

    flags.DEFINE_enum("precision", "float16", PRECISIONS, "Precision of the weights.")
    flags.DEFINE_string(
        "litert_js",
        None,
        "Folder in which npm has installed LiteRT.js (default: npm gets it).",
    )
    flags.DEFINE_bool(
        "serve",
        False,
        "Serve the page to browsers, until Ctrl-C. If the folder is there already, it "
        "is not made anew.",
    )
    flags.DEFINE_string(
        "host",
        "127.0.0.1",
        "--serve: address to listen at. 0.0.0.0: for phones of the same network.",
    )
    flags.DEFINE_integer("port", 8000, "--serve: port to listen at; 0: any.", 0, 65535)
    commands.define_json()
    for module in (export_flags, commands):  # So that --help lists their flags.
        flags.adopt_module_key_flags(module)
    commands.run(main, tensorflow=False)

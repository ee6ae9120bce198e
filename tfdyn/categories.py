"""Groups classes by WordNet: `python -m tfdyn.categories --hierarchy=FILE …`."""

import pathlib

from absl import flags

from tfdyn import commands
from tfdyn.data import wordnet
from tfdyn.errors import UserError
from tfdyn.files import check_writable, write_json

FLAGS = flags.FLAGS


def main() -> None:
    """Runs the command on the flags."""
    # TensorFlow takes seconds to import: `--help` and wrong flags need not wait for it.
    from tfdyn.data.dataset import input_format_of

    if not FLAGS.hierarchy:
        raise UserError(f"--hierarchy=FILE is missing. {wordnet.MEND}")
    if not FLAGS.output:
        raise UserError(
            "--output=FILE is missing: name the JSON file to write, such as "
            "--output=categories.json."
        )
    check_writable(pathlib.Path(FLAGS.output).parent)
    above, words = wordnet.read_hierarchy(FLAGS.hierarchy)
    class_names = input_format_of(FLAGS.dataset, FLAGS.data_dir).class_names
    categories = wordnet.group(list(class_names), above, words, FLAGS.count)
    write_json(FLAGS.output, categories)
    sizes = sorted(map(len, categories.values()))
    each = f"{sizes[0]} to {sizes[-1]}" if sizes[0] < sizes[-1] else f"{sizes[0]}"
    print(
        f"wrote {FLAGS.output}: {len(class_names)} classes in {len(sizes)} categories "
        f"({each} in each)"
    )


if __name__ == "__main__":
    flags.DEFINE_string(
        "hierarchy", None, "File of WordNet's hierarchy of nouns. " + wordnet.MEND
    )
    flags.DEFINE_enum(
        "dataset",
        "imagenet2012",
        ("imagenet2012", "tinyimagenet", "folder"),
        "Data set whose classes are grouped. Their names must be WordNet's ids, such "
        "as n02084071.",
    )
    flags.DEFINE_string("data_dir", None, "Folder of the images of the data set.")
    flags.DEFINE_integer("count", 58, "Number of categories. DMNN has 58.", 1)
    flags.DEFINE_string(
        "output", None, "JSON file to write: the categories for --categories=FILE."
    )
    flags.adopt_module_key_flags(commands)
    commands.run(main)

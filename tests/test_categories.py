"""The command that groups classes by WordNet."""

import json
import subprocess
import sys

import pytest
from paths import ROOT

from tfdyn.data import categories
from tfdyn.data.dataset import input_format_of


def command(*flags):
    return subprocess.run(
        [sys.executable, "-m", "tfdyn.categories", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_its_file_is_one_for_the_setting_of_that_name(tmp_path):
    class_names = input_format_of("imagenet2012").class_names
    hierarchy, output = tmp_path / "wordnet.is_a.txt", tmp_path / "categories.json"
    lines = [f"n0000000{name[-1]} {name}\n" for name in class_names]
    lines += [f"n00000100 n0000000{digit}\n" for digit in range(10)]
    hierarchy.write_text("".join(lines))
    done = command(f"--hierarchy={hierarchy}", f"--output={output}", "--count=10")
    assert done.returncode == 0, done.stderr
    sizes = sorted(map(len, json.loads(output.read_text()).values()))
    text = f"1000 classes in 10 categories ({sizes[0]} to {sizes[-1]} in each)"
    assert text in done.stdout
    indices = categories.of_classes(str(output), class_names)
    assert len(set(indices)) == 10
    # By their last digit, as in this hierarchy.
    assert (
        len({(index, n[-1]) for index, n in zip(indices, class_names, strict=True)})
        == 10
    )
    assert set(json.loads(output.read_text())) < {f"n{n:08}" for n in (*range(10), 100)}


@pytest.mark.slow
def test_a_missing_file_is_one_line(tmp_path):
    done = command("--output=" + str(tmp_path / "categories.json"))
    assert done.returncode == 1 and not list(tmp_path.iterdir())
    assert done.stderr.splitlines()[-1].startswith("error: --hierarchy=FILE is missing")

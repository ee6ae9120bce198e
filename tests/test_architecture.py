"""The architecture: which file may import which, and BUILD, which shows it.

An import counts wherever it stands: inside a function, or for type checkers only.
"""

import ast
import importlib.util
import re
import sys

import pytest
from paths import ROOT

# The architecture, the lowest layer first. Every file belongs to the longest entry that
# its module's name begins with. It may import files of its own entry and of the lines
# before, and nothing else: entries of one line do not import each other.
LAYERS = """
tfdyn.errors tfdyn.text
tfdyn.temporary
tfdyn.files tfdyn.output tfdyn.reading
tfdyn.locks tfdyn.figures tfdyn.routing tfdyn.layers tfdyn.data
tfdyn.costs tfdyn.losses tfdyn.settings
tfdyn.models
tfdyn.training
tfdyn.families.drnet tfdyn.families.dmnn tfdyn.families.instanas tfdyn.families.codebook
tfdyn.families.wrapped
tfdyn.families
tfdyn.runs
tfdyn.evaluation
tfdyn.reporting tfdyn.training.trainer
tfdyn.tuning
tfdyn
export.browser export.description export.graph export.interpreter export.source
export.checks export.flags export.gates export.goal export.manifest export.runtime
export.classification export.exporter export.latency
export.android export.compression export.web
export
benchmarks
"""
LINES = {
    entry: number
    for number, line in enumerate(LAYERS.strip().splitlines())
    for entry in line.split()
}
FOLDERS = ("tfdyn", "export", "benchmarks")

# Packages of PyPI that are imported by another name.
DISTRIBUTIONS = {"PIL": "pillow", "absl": "absl_py", "sklearn": "scikit_learn"}
DISTRIBUTIONS["umap"] = "umap_learn"
# What a package needs and does not ask for.
ALSO_NEEDED = {"tensorflow_datasets": {"importlib_resources"}}


def name_module(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
MODULES = {name_module(path): path for path in FILES}
TESTS = sorted((ROOT / "tests").rglob("*.py"))
HELPERS = {path.stem: path for path in (ROOT / "tests").glob("*.py")}
HELPERS["hostile"] = ROOT / "tests/hostile/case.py"  # A folder of them.


def find_imports(code, package=""):
    """Yields the line and the dotted name of everything that Python code imports."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(relative, package)
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def read_imports(path):
    """Yields the line and the dotted name of everything that a file imports."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    yield from find_imports(path.read_text("utf-8"), package)


def longest_prefix(name, names):
    """The longest beginning of a dotted name that is one of `names`, else ''."""
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name


def find_package(name):
    """The package of PyPI that an imported name belongs to, else `None`."""
    root = name.partition(".")[0]
    if root in {*FOLDERS, *HELPERS, *sys.stdlib_module_names}:
        return None
    return DISTRIBUTIONS.get(root, root)


def find_upward(module, imports):
    """Yields a message for each import that the table of layers does not allow."""
    for line, name in imports:
        imported = longest_prefix(name, MODULES)
        if not imported:
            continue
        entry, other = (longest_prefix(each, LINES) for each in (module, imported))
        if entry != other and LINES[other] >= LINES[entry]:
            path = MODULES[module].relative_to(ROOT).as_posix()
            yield f"{path}:{line} imports {imported}: {other} is not below {entry}."


def test_nothing_imports_upward():
    upward = [
        message
        for module, path in MODULES.items()
        for message in find_upward(module, read_imports(path))
    ]
    assert not upward, (
        "A file imports only from its own entry of LAYERS and from the lines before. "
        "Move what is needed down, or hand it over as an argument; change LAYERS only "
        "to change the architecture.\n" + "\n".join(upward)
    )


@pytest.mark.parametrize(
    ("module", "code", "message"),
    [
        (
            "tfdyn.routing.noise",
            "import keras\nimport tfdyn.costs.complexity",
            "tfdyn/routing/noise.py:2 imports tfdyn.costs.complexity: "
            "tfdyn.costs is not below tfdyn.routing.",
        ),
        (
            "tfdyn.layers.chain",
            "def call():\n    from ..models import routed_model",
            "tfdyn/layers/chain.py:2 imports tfdyn.models.routed_model: "
            "tfdyn.models is not below tfdyn.layers.",
        ),
        (
            "tfdyn.families.dmnn.dmnn",
            "from tfdyn.families.drnet.cell import Cell",
            "tfdyn/families/dmnn/dmnn.py:1 imports tfdyn.families.drnet.cell: "
            "tfdyn.families.drnet is not below tfdyn.families.dmnn.",
        ),
        (
            "tfdyn.training.stage",
            "from tfdyn.training.trainer import train",
            "tfdyn/training/stage.py:1 imports tfdyn.training.trainer: "
            "tfdyn.training.trainer is not below tfdyn.training.",
        ),
        (
            "tfdyn.train",
            "if TYPE_CHECKING:\n    from export import tflite",
            "tfdyn/train.py:2 imports export.tflite: export is not below tfdyn.",
        ),
        (
            "export.tflite",
            "from benchmarks import timing",
            "export/tflite.py:1 imports benchmarks.timing: "
            "benchmarks is not below export.",
        ),
    ],
)
def test_a_planted_upward_import_is_found(module, code, message):
    package = module.rpartition(".")[0]
    lawful = "\nfrom tfdyn.errors import UserError\nimport numpy as np"
    assert [*find_upward(module, find_imports(code + lawful, package))] == [message]


def test_the_table_holds_what_never_changes():
    roots = [entry.partition(".")[0] for entry in LINES]
    assert roots == sorted(roots, key=FOLDERS.index), (
        "tfdyn never imports export, and export never imports benchmarks."
    )
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    families = {each for each in packages if re.match(r"tfdyn\.families\.", each)}
    families -= {"tfdyn.families.wrapped"}  # It has the routers of DMNN.
    assert len({LINES.get(family) for family in families}) == 1, (
        f"One line of LAYERS holds all families, so that none imports another: "
        f"{sorted(families)}."
    )
    # The files of a folder may have entries of their own; its folders then have them.
    for package in packages - LINES.keys():
        entry = longest_prefix(package, LINES)
        divided = any(each.startswith(f"{entry}.") for each in LINES)
        assert not divided, f"Name {package} in LAYERS, on the lowest line that can be."


def test_what_is_imported_is_required():
    def read_names(file):
        names = re.findall(r"^[\w.-]+", (ROOT / file).read_text("utf-8"), re.MULTILINE)
        return {re.sub("[-.]", "_", name).lower() for name in names}

    lists = "requirements.txt", "requirements-report.txt", "requirements-web.txt"
    library = set().union(*map(read_names, lists))
    development = library | read_names("requirements-dev.txt")
    missing = [
        f"{path.relative_to(ROOT).as_posix()}:{line} imports {name}: add {package}."
        for path in FILES + TESTS
        for line, name in read_imports(path)
        if (package := find_package(name))
        and package not in (development if path in TESTS else library)
    ]
    assert not missing, (
        "requirements.txt lists what tfdyn, export and benchmarks import, "
        "requirements-dev.txt what only tests import.\n" + "\n".join(missing)
    )


def read_build():
    """The attributes of every target of BUILD, in its order, as Bazel reads them."""
    targets = []

    def rule(kind):
        default = {"kind": kind, "srcs": [], "deps": []}
        return lambda **attributes: targets.append(default | attributes)

    def find(pattern):
        files = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
        assert files, f"BUILD: {pattern} names no file."
        return files

    def glob(include, exclude=()):
        return sorted(set().union(*map(find, include)).difference(*map(find, exclude)))

    # Starlark is a part of Python; these are the words that BUILD uses beside it.
    words = {"load": lambda *_: None, "package": lambda **_: None, "glob": glob}
    words |= {kind: rule(kind) for kind in ("py_library", "py_binary", "py_test")}
    exec((ROOT / "BUILD").read_text("utf-8"), words)
    return targets


def find_labels(sources, homes):
    """The labels of BUILD that files need: what they import, and what that needs."""
    labels = set()
    for path in (ROOT / source for source in sources):
        for _, name in read_imports(path):
            module = longest_prefix(name, MODULES)
            root = name.partition(".")[0]
            file = MODULES[module] if module else HELPERS.get(root)
            if file:
                labels.add(f":{homes[file.relative_to(ROOT).as_posix()]}")
            elif package := find_package(name):
                packages = {package} | ALSO_NEEDED.get(package, set())
                labels |= {f"@pypi//{each}" for each in packages}
    return labels


def find_homes(targets):
    """Maps every file to the name of its target."""
    return {source: target["name"] for target in targets for source in target["srcs"]}


def test_every_file_is_in_one_target_of_build():
    sources = [source for target in read_build() for source in target["srcs"]]
    files = {path.relative_to(ROOT).as_posix() for path in FILES + TESTS}
    missing = sorted(files - {*sources})
    assert not missing, f"BUILD: add to the files of a library: {missing}."
    repeated = sorted({source for source in sources if sources.count(source) > 1})
    assert not repeated, f"BUILD: remove from all libraries but one: {repeated}."


def test_a_target_of_build_stands_below_those_that_it_needs():
    lock = (ROOT / "requirements_lock.txt").read_text("utf-8")
    locked = re.sub("[-.]", "_", lock).lower()
    above = {f"@pypi//{name}" for name in re.findall("^[a-z0-9_]+", locked, re.M)}
    for target in read_build():
        unknown = sorted({*target["deps"]} - above)
        assert not unknown, (
            f"BUILD: {target['name']} needs {unknown}, which no target above it and no "
            "line of requirements_lock.txt names."
        )
        above.add(f":{target['name']}")


def test_build_says_what_a_library_imports():
    targets = read_build()
    homes = find_homes(targets)
    changes = []
    for target in targets:
        if target["kind"] != "py_library":
            continue
        needed = find_labels(target["srcs"], homes) - {f":{target['name']}"}
        stated = {*target["deps"]}
        if needed != stated:
            missing, superfluous = sorted(needed - stated), sorted(stated - needed)
            changes.append(f"{target['name']}: add {missing}, remove {superfluous}.")
    assert not changes, "In BUILD, change what is needed:\n" + "\n".join(changes)


def test_build_says_what_tests_and_commands_need():
    targets = read_build()
    homes = find_homes(targets)
    brought = {}
    for target in targets:
        labels = {*target["deps"]}
        labels.update(*(brought.get(label, ()) for label in target["deps"]))
        brought[f":{target['name']}"] = labels
        needed = find_labels(target["srcs"], homes) - {f":{target['name']}"}
        if target["kind"] == "py_binary":
            path = MODULES[target["main_module"]].relative_to(ROOT).as_posix()
            needed.add(f":{homes[path]}")
        missing = sorted(needed - labels)
        assert not missing, f"In BUILD, add to {target['name']}: {missing}."

"""The architecture: which file may import which, and BUILD, which shows it."""

import ast
import importlib.util
import re
import sys

import pytest
from paths import ROOT

# A file imports only from its own line and from those above it. The longest prefix of
# its module counts.
FLOORS = [
    line.split()
    for line in """
tfdyn tfdyn.errors tfdyn.files tfdyn.text tfdyn.figures tfdyn.output tfdyn.commands
tfdyn.routing tfdyn.settings tfdyn.data
tfdyn.layers
tfdyn.costs tfdyn.losses
tfdyn.models
tfdyn.training
tfdyn.families.drnet tfdyn.families.dmnn tfdyn.families.instanas
tfdyn.families
tfdyn.runs
tfdyn.evaluation
tfdyn.training.trainer
tfdyn.train tfdyn.evaluate tfdyn.summary
export.graph export.interpreter export.runtime export.classification export.manifest
export.source export.flags export.gates export.goal
export.checks
export.exporter
export.latency export export.tflite export.saved_model export.classify
export.android
benchmarks
""".strip().splitlines()
]
FAMILIES = "tfdyn.families.drnet", "tfdyn.families.dmnn", "tfdyn.families.instanas"
# Packages of PyPI that are imported by another name.
DISTRIBUTIONS = {"PIL": "pillow", "absl": "absl_py", "sklearn": "scikit_learn"}


def module_of(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


PATHS = [
    path
    for folder in ("tfdyn", "export", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
MODULES = {module_of(path): path for path in PATHS}


def imports(code, package=""):
    """Yields the line and the dotted name of every import, also inside functions."""
    nodes = [ast.parse(code)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(relative, package)
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"
        nodes.extend(ast.iter_child_nodes(node))


def ours(name):
    """The module of this project that an imported name stands for, or `None`."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name or None


def floor(module):
    """The line of the table that a module belongs to."""
    floors = {prefix: i for i, prefixes in enumerate(FLOORS) for prefix in prefixes}
    while module not in floors:
        module = module.rpartition(".")[0]
    return floors[module]


def faults(module, code):
    """Yields what is wrong with the imports of a module."""
    package = (
        module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    )
    for line, name in imports(code, package):
        target = ours(name)
        if target is None or target == module:
            continue
        here = f"{MODULES[module].relative_to(ROOT)}:{line} imports {target}"
        if floor(target) > floor(module):
            yield f"{here}, which stands on a higher floor"
        families = [
            next((f for f in FAMILIES if each.startswith(f"{f}.")), None)
            for each in (module, target)
        ]
        if None not in families and families[0] != families[1]:
            yield f"{here}, which belongs to another family"


def test_imports_never_run_upward_and_families_do_not_meet():
    found = [
        f for m, path in MODULES.items() for f in faults(m, path.read_text("utf-8"))
    ]
    assert not found, (
        "Move what is imported to a lower floor, or drop the import; the floors are "
        "the table in this test.\n" + "\n".join(found)
    )


@pytest.mark.parametrize(
    ("module", "code", "message"),
    [
        (
            "tfdyn.files",
            "def f():\n    from tfdyn.routing import route",
            "a higher floor",
        ),
        ("tfdyn.train", "import export.tflite", "a higher floor"),
        ("export.tflite", "from benchmarks import timing", "a higher floor"),
        (
            "tfdyn.families.dmnn.dmnn",
            "from tfdyn.families.drnet.cell import Cell",
            "another family",
        ),
    ],
)
def test_a_planted_fault_is_found(module, code, message):
    (fault,) = faults(module, code)
    assert message in fault
    assert not list(faults(module, "from tfdyn import errors"))


def packages(file):
    names = re.findall(r"^[\w.-]+", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    return {re.sub("[-.]", "_", name).lower() for name in names}


def test_what_is_imported_is_required():
    library = packages("requirements.txt")
    everything = library | packages("requirements-dev.txt")
    helpers = {path.stem for path in (ROOT / "tests").glob("*.py")}
    for path in [*PATHS, *sorted((ROOT / "tests").rglob("*.py"))]:
        roots = {name.partition(".")[0] for _, name in imports(path.read_text("utf-8"))}
        roots -= {*sys.stdlib_module_names, "tfdyn", "export", "benchmarks", *helpers}
        names = {DISTRIBUTIONS.get(root, root) for root in roots}
        required = everything if "tests" in path.parts else library
        assert names <= required, f"{path} imports {names - required}: require it."


def libraries():
    """The libraries of BUILD: name, files, and the libraries that each needs."""
    for node in ast.parse((ROOT / "BUILD").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "LIBRARIES":
            for name, text in ast.literal_eval(node.value).items():
                patterns, _, needs = text.partition("<")
                files = set()
                for pattern in patterns.split():
                    found = set(ROOT.glob(pattern.removeprefix("-")))
                    assert found, f"BUILD, {name}: {pattern} names no file."
                    files = files - found if pattern[0] == "-" else files | found
                yield name, files, set(needs.split())


def test_build_shows_the_packages_and_what_they_need():
    homes = {}
    for name, files, _ in libraries():
        for path in files:
            assert path not in homes, f"{path} is in two libraries of BUILD"
            homes[path] = name
    missing = [str(path) for path in PATHS if path not in homes]
    assert not missing, f"In no library of BUILD: {missing}"
    above = set()
    for name, files, stated in libraries():
        needs = set()
        for path in files:
            for _, imported in imports(path.read_text("utf-8")):
                module = ours(imported)
                helper = ROOT / "tests" / f"{imported.partition('.')[0]}.py"
                needs.add(homes.get(MODULES[module] if module else helper, name))
        needs -= {name}
        assert needs == stated, f"BUILD, {name}: it needs {sorted(needs)}."
        assert needs <= above, f"BUILD: {name} stands above {sorted(needs - above)}."
        above.add(name)


def test_build_names_every_package_of_pypi_that_a_library_imports():
    text = (ROOT / "BUILD").read_text("utf-8")
    for path in PATHS:
        for _, name in imports(path.read_text("utf-8")):
            root = name.partition(".")[0]
            if root in {*sys.stdlib_module_names, "tfdyn", "export", "benchmarks"}:
                continue
            assert f'"{DISTRIBUTIONS.get(root, root)}"' in text, f"{path}: {root}"

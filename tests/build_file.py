"""What BUILD must say, read from the files and their imports.

One target a file, named as its module is imported (`tfdyn.layers.cell`; a package's
`__init__.py` by the package's name). Its dependencies are what the file imports,
anywhere in it but under `if TYPE_CHECKING:`, and the modules that it names in a string
(`"-m", "tfdyn.train"`). A target stands below those that it needs.

`python tests/build_file.py` mends BUILD. It changes no order: where a file imports one
whose target stands below its own, a test says so, and a person moves one of the two.
"""

import ast
import importlib.util
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "BUILD"

# Packages of PyPI that are imported under another name.
DISTRIBUTIONS = {"PIL": "pillow", "absl": "absl_py", "sklearn": "scikit_learn"}
# What is needed at run time and imported by no file of ours.
ALSO_NEEDED = {
    "tensorflow_datasets": {"importlib_resources"},  # which it does not ask for
    # Keras asks for no backend, pytest for no xdist: the tests need both.
    "conftest": {"tensorflow", "pytest_xdist"},
}
# The attributes of a target, in buildifier's order; `size` and `data` are BUILD's own.
ATTRIBUTES = ("name", "size", "testonly", "srcs", "args", "data", "main_module", "deps")


def find_sources():
    """Maps the name of every target that BUILD should have to its file."""
    sources = {}
    for folder in ("tfdyn", "export", "benchmarks", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = path.relative_to(path.parent if folder == "tests" else ROOT)
            name = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
            sources[name] = path.relative_to(ROOT).as_posix()
    return sources


SOURCES = find_sources()


def find_imports(code, package=""):
    """The dotted names that Python code imports, or gives as a string."""
    names, nodes = set(), [ast.parse(code)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            module = importlib.util.resolve_name(relative, package)
            names.update(f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and "." in str(node.value):
            names.update({node.value} & SOURCES.keys())
        nodes.extend(ast.iter_child_nodes(node))
    return names


def find_labels(name):
    """The labels that an imported name stands for: none in the standard library."""
    root, module = name.partition(".")[0], name
    while module and module not in SOURCES:
        module = module.rpartition(".")[0]
    if module:
        return {f":{module}"}
    if root in sys.stdlib_module_names:
        return set()
    packages = {DISTRIBUTIONS.get(root, root)} | ALSO_NEEDED.get(root, set())
    return {f"@pypi//{package}" for package in packages}


def format_target(name, stated):
    """The text of a target as its file is; `stated` are BUILD's own attributes."""
    source = SOURCES[name]
    package = name if source.endswith("__init__.py") else name.rpartition(".")[0]
    names = find_imports((ROOT / source).read_text("utf-8"), package)
    labels = set().union(*map(find_labels, names)) - {f":{name}"}
    target = stated | {"name": f'"{name}"', "srcs": f'["{source}"]'}
    if name.startswith("test_"):
        # Bazel splits it at the space, and runs targets side by side itself.
        target |= {"args": f'["-n0 {source}"]', "main_module": '"pytest"'}
        labels.add(":conftest")
    elif source.startswith("tests/"):
        target["testonly"] = "True"
    labels |= {f"@pypi//{package}" for package in ALSO_NEEDED.get(name, ())}
    lines = [f'"{x}"' for x in sorted(labels, key=lambda x: (x[0], x.split(".")))]
    if len(lines) > 1:
        lines = ["", *(f"        {line}," for line in lines), "    "]
    if lines:
        target["deps"] = "[" + "\n".join(lines) + "]"
    rule = "py_test" if name.startswith("test_") else "py_library"
    body = [f"    {key} = {target[key]}," for key in ATTRIBUTES if key in target]
    return "\n".join([f"{rule}(", *body, ")"])


def read_targets(text):
    """Yields the name, the text and the own attributes of every target in BUILD."""
    lines = text.splitlines(keepends=True)

    def segment(node):  # `ast.get_source_segment` splits the whole text each time.
        own = lines[node.lineno - 1 : node.end_lineno]
        own[-1] = own[-1][: node.end_col_offset]
        own[0] = own[0][node.col_offset :]
        return "".join(own)

    for call in ast.walk(ast.parse(text)):
        if isinstance(call, ast.Call) and call.func.id in ("py_library", "py_test"):
            values = {keyword.arg: segment(keyword.value) for keyword in call.keywords}
            stated = {key: values[key] for key in ("size", "data") if key in values}
            name = ast.literal_eval(values["name"])
            yield name, segment(call), stated


def mend(text):
    """BUILD as the files and their imports are."""
    missing = dict(SOURCES)
    for name, target, stated in read_targets(text):
        right = f"{format_target(name, stated)}\n" if missing.pop(name, None) else ""
        text = text.replace(f"{target}\n", right, 1)
    for name in missing:
        text = add_target(text, name)
    return re.sub("\n{3,}", "\n\n", text)


def add_target(text, name):
    """Adds a target below those that it needs and those of its package."""
    target, package = format_target(name, {}), name.rpartition(".")[0]
    above = text
    for other, its_text, _ in read_targets(text):
        if other.rpartition(".")[0] == package or f'":{other}"' in target:
            above = its_text
    return text.replace(f"{above}\n", f"{above}\n\n{target}\n", 1)


def find_needs(text):
    """Maps the name of every target in BUILD to the labels that it needs."""
    return {
        name: re.findall(r'"((?::|@pypi//)[^"]*)"', target)
        for name, target, _ in read_targets(text)
    }


if __name__ == "__main__":
    BUILD.write_text(mend(BUILD.read_text("utf-8")), "utf-8")

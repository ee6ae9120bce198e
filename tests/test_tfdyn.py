import ast
import inspect
import subprocess
import sys

import pytest

import tfdyn


def test_every_public_name_is_there():
    assert set(tfdyn.__all__) == set(tfdyn._MODULES)
    for name in tfdyn.__all__:
        # Once its command is imported, `wrap` is a module that can be called.
        public = getattr(tfdyn, name)
        assert callable(public) and public.__name__ in (name, f"tfdyn.{name}")
    assert set(tfdyn.__all__) <= set(dir(tfdyn))


def test_editors_see_every_public_name():
    (block,) = (
        node
        for node in ast.parse(inspect.getsource(tfdyn)).body
        if isinstance(node, ast.If)
    )
    imports = {alias.name: node.module for node in block.body for alias in node.names}
    assert imports == tfdyn._MODULES


def test_networks_are_listed_and_built_by_name():
    assert {"drnet_s", "dmnn_50_n2", "instanas_cifar10"} <= set(tfdyn.networks())
    model = tfdyn.build("instanas_tiny", (8, 8, 1), 3)
    assert isinstance(model, tfdyn.InstaNAS)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'DNet'"):
        tfdyn.DNet  # noqa: B018


def test_the_import_is_light():
    code = "import tfdyn, sys; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

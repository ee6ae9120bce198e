import subprocess
import sys

import pytest

import tfdyn


def test_every_public_name_is_there():
    for name in tfdyn.__all__:
        assert getattr(tfdyn, name).__name__ in (name, "load")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'DNet'"):
        tfdyn.DNet  # noqa: B018


def test_the_import_is_light():
    code = "import tfdyn, sys; assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

"""A page that the tests of this folder share: exported once from a tiny run."""

import dataclasses

import browsing
import pytest

from export import source as sources
from export.graph.form import Form
from export.web.folder import export_web

IMAGES = 24


@pytest.fixture(scope="session")
def source(tiny_run, tmp_path_factory):
    return sources.from_run(tiny_run.path, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="session")
def images(source):
    return source.test_images(IMAGES)


@pytest.fixture(scope="session")
def exported(source, images, tmp_path_factory):
    """The folder, with files in the place of LiteRT.js, and its `network.json`."""
    packages = browsing.fake_litert_js(tmp_path_factory.mktemp("fake"))
    form = Form(threshold=0.7, threshold_input=True)
    return export_web(source, form, *images, packages=packages)


@pytest.fixture
def elsewhere(source, tmp_path):
    return dataclasses.replace(source, folder=tmp_path)

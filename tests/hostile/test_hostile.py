"""A sample of the hostile inputs; `python tests/hostile --output=DIR` tries all."""

import collections

import pytest
from hostile import template
from hostile.all_cases import all_cases
from hostile.case import judge

# Of each kind every so many cases, the first among them.
STRIDE = 40


def sample():
    """Returns some cases of every kind."""
    kinds = collections.defaultdict(list)
    for case in all_cases():
        kinds[case.kind].append(case)
    return [case for cases in kinds.values() for case in cases[::STRIDE]]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / "template"
    template.make(folder)
    return folder


@pytest.mark.parametrize("case", sample(), ids=str)
def test_hostile_input(case, files, tmp_path):
    verdict, text = judge(case, files, tmp_path / "case")
    assert verdict in ("clear", "accepted"), text

import shutil

import pytest
from tiny_networks import latency_table
from tiny_settings import tiny_settings

from export import budget
from export import source as sources
from export.graph.form import Form


@pytest.fixture(scope="module")
def source(tiny_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("budget") / "run"
    source = sources.from_run(shutil.copytree(tiny_run.path, folder))
    latency_table(source.model).save(folder / "latency.host.json")
    return source


def test_the_form_takes_the_threshold_that_was_chosen(source):
    asked = Form(threshold=0.5, preprocess=False)
    form, choice = budget.meet(source, asked, 100.0)
    assert form == Form(threshold=1.0, preprocess=False)
    assert choice["threshold"] == 1.0 and choice["budget_ms"] == 100.0
    line = budget.line(choice)
    assert line.startswith("budget 100 ms: T=1, ")
    assert line.endswith(f"by {source.run / 'latency.host.json'}")


@pytest.mark.parametrize("variant", ["all_branches", "fixed", "forced"])
def test_other_variants_have_no_threshold_to_choose(source, variant):
    with pytest.raises(ValueError, match=f"--variant={variant} has none inside"):
        budget.meet(source, Form(variant), 100.0)


def test_nor_has_a_file_whose_threshold_is_an_input(source):
    with pytest.raises(ValueError, match="--threshold_input has none inside"):
        budget.meet(source, Form(threshold_input=True), 100.0)


def test_an_untrained_network_has_no_validation_images():
    source = sources.untrained(tiny_settings(), "tiny")
    with pytest.raises(ValueError, match="got tiny, untrained. Name a run"):
        budget.meet(source, Form(), 1.0)

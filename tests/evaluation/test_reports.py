import copy

from reports_content import CHEAP, NUMBERS, RESULTS

from tfdyn.evaluation import reports


def test_evaluation_is_in_the_design_s_form():
    content = reports.evaluation("digits", "model.keras", copy.deepcopy(RESULTS))
    full = {"accuracy": 0.75, "macs": 2e6, "params": 1000.0}
    assert content["all_branches"] == full
    assert (content["dataset"], content["split"], content["examples"]) == (
        "digits",
        "test",
        4,
    )
    assert [row["threshold"] for row in content["routed"]] == [0.5, 1.0]
    assert content["routed"][0] == {"threshold": 0.5, **NUMBERS}
    assert "cost_table" not in content


def test_the_table_says_what_is_saved():
    text = reports.table(reports.evaluation("d", "model.keras", RESULTS), "runs/a")
    lines = text.splitlines()
    assert lines[0] == "d, 4 test images, runs/a/model.keras"
    assert lines[3].split() == "all branches 75.00 % 2.00 M 0.0 % 1.00 k all".split()
    assert lines[4].split() == "T=0.5 50.00 % 1.50 M 25.0 % 1.00 k 2.00".split()


def test_the_first_line_names_the_options_of_inference():
    content = reports.evaluation("d", "model.keras", RESULTS)
    content |= {"inference_noise": True, "inference_temperature": 0.5}
    first, *_ = reports.table(content, "runs/a").splitlines()
    assert first.endswith("model.keras, noise in inference, temperature 0.5")


def test_the_table_shows_another_unit():
    timed = [(t, {**result, "ms_mean": 1.25}) for t, result in RESULTS]
    content = reports.evaluation("d", "model.keras", timed, "runs/a/latency.host.json")
    assert content["all_branches"]["ms"] == 1.25
    assert content["cost_table"] == "runs/a/latency.host.json"
    lines = reports.table(content, "runs/a").splitlines()
    assert lines[1] == "cost table: runs/a/latency.host.json"
    assert lines[3].endswith("ms")
    assert lines[4].endswith("1.25") and lines[5].endswith("1.25")


def test_the_table_shows_where_ms_come_from_and_how_far_images_differ():
    timed = [
        (t, {**result, "ms_mean": 1.25, "ms_std": 0.0312}) for t, result in RESULTS
    ]
    timed[2][1]["ms_std"] = 1e-16  # What rounding leaves.
    content = reports.evaluation(
        "d", "model.keras", timed, "a.json", cost_table_origin="measured on X, today"
    )
    assert content["routed"][0]["ms_std"] == 0.0312
    lines = reports.table(content, "runs/a").splitlines()
    assert lines[1] == "cost table: a.json, measured on X, today"
    assert lines[5].endswith("1.25 ± 0.031") and lines[6].endswith("1.25")


def test_the_table_ends_with_what_was_chosen_for_a_budget():
    choice = {"budget_ms": 0.8, "validation_ms": 0.79712, "validation_examples": 5000}
    results = [*RESULTS, (0.99987, {**choice, **CHEAP})]
    content = reports.evaluation("d", "model.keras", results)
    assert content["routed"][-1] == {"threshold": 0.99987, **choice, **NUMBERS}
    *_, row, blank, line = reports.table(content, "runs/a").splitlines()
    assert row.split()[0] == "T=0.99987" and not blank
    assert line == (
        "budget 0.8 ms: T=0.99987, the largest T that meets it with a margin; the "
        "predicted mean is 0.7971 ms on 5,000 validation images"
    )


def test_the_table_ends_with_what_was_chosen_for_a_rate():
    choice = {"target_rate": 0.7, "validation_rate": 0.69912, "executed_share": 0.7031}
    results = [*RESULTS, (0.49, {**CHEAP, **choice, "validation_examples": 5000})]
    content = reports.evaluation("d", "model.keras", results)
    *_, row, blank, line = reports.table(content, "runs/a").splitlines()
    assert row.split()[0] == "T=0.49" and not blank
    assert line == (
        "target rate 0.7: T=0.49, the largest T that meets it; the share of the "
        "branches' MACs that run is 0.6991 on 5,000 validation images and 0.7031 on "
        "the test images"
    )


def test_the_use_of_branches_is_that_of_the_result_shown():
    content = reports.evaluation("d", "model.keras", RESULTS)
    use = {"cell_0": {"max_pool": 1.0, "skip": 0.25}}
    assert content["use"] == {"threshold": 0.5, "all": use, "categories": {}}
    content = reports.evaluation("d", "model.keras", RESULTS, shown=1)
    assert content["use"]["threshold"] == 1.0


def test_the_table_tells_the_categories_that_differ_most():
    shares = {"fish": 0.5, "birds": 0.0, "trees": 0.25}
    by_category = {
        category: {"cell_0": {"max_pool": 1.0, "skip": share}}
        for category, share in shares.items()
    }
    results = [(t, {**r, "use_by_category": by_category}) for t, r in RESULTS]
    content = reports.evaluation("d", "model.keras", results)
    assert content["use"]["categories"] == by_category
    assert "use_by_category" not in content["routed"][0]
    *_, row = reports.table(content, "runs/a").splitlines()
    assert row.split() == "cell_0 skip 25.0 % birds 0.0 % fish 50.0 %".split()

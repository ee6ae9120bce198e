"""Latency tables and validations as people read them."""

from matplotlib.image import imread
from tiny_networks import latency_table, make

from export.latency import report


def test_a_table_as_people_read_it():
    model = make(auxiliary_head=False)
    table = latency_table(model)
    for entry, module in zip(table.modules.values(), model.modules, strict=False):
        entry.update(name=module.name, count=2, spread=0.001)
    lines = report.table_text(table, 1.25).splitlines()
    assert lines[0].split() == ["count", "ms", "spread"]
    assert lines[1].split() == [
        "stem",
        "2",
        f"{table.cost(model.modules[0]):.4f}",
        "0.0010",
    ]
    assert [line.split()[-1] for line in lines[-4:]] == [
        *("0.0030", "0.0010", "0.0500", "1.2500"),
    ]


def test_a_validation_as_people_read_it():
    row = {"correlation": 0.99876, "within_5_percent": 0.9, "within_10_percent": 1.0}
    row |= {"median_error": 0.0123, "worst_error": 0.07, "bias": -0.004}
    row["repeated"] = {**row, "bias": 0.001}
    lines = [line.split() for line in report.validation_text(row).splitlines()]
    assert lines[0] == ["predicted", "repeated"]
    assert lines[1] == ["correlation", "0.9988", "0.9988"]
    assert lines[-1] == ["bias", "-0.40%", "0.10%"]
    text = report.validation_text({**row, "remeasured": {**row, "bias": -0.02}})
    assert text.splitlines()[-1].split() == ["bias", "-0.40%", "0.10%", "-2.00%"]


def test_a_plot_of_a_validation(tmp_path):
    content = {
        "routes": 3,
        "device": {"device": "clock"},
        "correlation": 0.999,
        "within_10_percent": 1.0,
        "predicted_ms": [1.0, 2.0, 3.0],
        "measured_ms": [1.1, 1.9, 3.0],
        "own": [True, False, False],
    }
    report.plot(tmp_path / "plot.png", content)
    assert imread(tmp_path / "plot.png").shape[:2] == (660, 720)
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]

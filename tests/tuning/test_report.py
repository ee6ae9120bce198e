from tfdyn.tuning import report
from tfdyn.tuning.objective import parse
from tfdyn.tuning.results import results


def make_record(number, accuracy, macs, score, **changes):
    point = {"threshold": 0.5, "accuracy": accuracy, "macs": macs}
    record = {"trial": number, "values": {"filters": 4, "cost_weight": 0.1}}
    record |= {"share": 1.0, "resumed": None, "status": "finished", "score": score}
    record |= {"points": [point], "objectives": {"accuracy@20k": score}}
    return record | changes


def test_the_tables_and_the_plot_hold_every_trial_and_the_frontier(tmp_path):
    failed = {"trial": 3, "values": {}, "status": "failed", "message": "It diverged."}
    records = [
        make_record(0, 0.5, 10e3, 0.5, share=1 / 3),
        make_record(1, 0.9, 20e3, 0.9, resumed=0),
        make_record(2, 0.8, 25e3, -0.25),
        failed,
    ]
    goals = parse(["accuracy@20k"])
    content = results(records, goals, "macs")
    content["frontier"][0] |= {"test_accuracy": 0.45, "test_macs": 9e3}
    points = [{"threshold": 1.0, "accuracy": 0.7, "macs": 30e3}]
    content["beside"] = {"run_dir": "runs/a", "points": points}
    assert report.table(content).splitlines() == [
        "trial  accuracy@20k  epochs  filters  cost_weight",
        "1            0.9000   100 %        4          0.1",
        "0            0.5000    33 %        4          0.1",
        "2           -0.2500   100 %        4          0.1",
        "trial 3 failed: It diverged.",
        "",
        "frontier of all trials  validation     test  MACs an image",
        "trial 0, T=0.5             50.00 %  45.00 %        10.00 k",
        "trial 1, T=0.5             90.00 %                 20.00 k",
        "beside, T=1                70.00 %                 30.00 k",
    ]
    best = report.best_line(content["best"])
    assert best == "trial 1 is the best: accuracy@20k 0.9000, at T=0.5"
    del records[:2]
    assert report.best_line(results(records, goals, "macs")["best"]) == (
        "no trial meets accuracy@20k at any T; trial 2 is the nearest: "
        "accuracy@20k -0.2500"
    )
    report.plot(tmp_path / "frontier.png", content)
    assert (tmp_path / "frontier.png").read_bytes()[1:4] == b"PNG"

"""The table of images: one line each, from which the means can be computed."""

import csv

import numpy as np
import pytest

from tfdyn.evaluation.evaluate_run import evaluate


@pytest.fixture(scope="module")
def lines(tiny_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "images.csv"
    content = evaluate(tiny_run.path, [0.6, 1.0], per_image=path)
    with open(path, newline="") as file:
        return content, list(csv.DictReader(file))


def test_means_over_its_lines_are_those_of_the_evaluation(lines):
    content, lines = lines
    assert len(lines) == 2 * content["examples"]
    for row in content["routed"]:
        of_row = [v for v in lines if float(v["threshold"]) == row["threshold"]]
        assert [int(line["image"]) for line in of_row] == list(range(360))
        correct = [line["label"] == line["predicted"] for line in of_row]
        assert correct == [line["correct"] == "1" for line in of_row]
        assert np.mean(correct) == pytest.approx(row["accuracy"])
        macs = [float(line["macs"]) for line in of_row]
        assert np.mean(macs) == pytest.approx(row["macs_mean"], rel=1e-6)
        branches = np.mean([line["route"].count("1") for line in of_row])
        connections = len(of_row[0]["route"].split())
        expected = row["branches_per_connection"]
        assert branches / connections == pytest.approx(expected)


def test_a_confidence_is_the_probability_of_the_predicted_class(lines, tiny_run):
    confidence = [float(line["confidence"]) for line in lines[1]]
    assert 0.1 <= min(confidence) and max(confidence) <= 1
    assert len(set(confidence)) > 100


def test_a_place_that_cannot_be_written_to_is_refused_first(tiny_run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be written to"):
        evaluate(tiny_run.path, [1.0], per_image=tmp_path / "file" / "images.csv")

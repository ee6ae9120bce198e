"""Reports of all families, of codebooks and of static networks: one code for all."""

import shutil

import numpy as np
import pytest
from tiny_networks import make_dmnn, make_instanas, sharpen

from tfdyn.evaluation.evaluate_run import evaluate
from tfdyn.families.codebook.codebook import Codebook
from tfdyn.reporting import route_places
from tfdyn.reporting.report import report


def make_codebook():
    base = make_dmnn(num_classes=10, selection="none")
    routes = np.ones((2, base.route_spec.size), "float32")
    routes[0, 1::2] = 0
    return Codebook(base, routes, [0.5, 1.0], threshold=0.6)


NETWORKS = {
    "dmnn": (lambda: sharpen(make_dmnn(num_classes=10)), "use_network.png"),
    "instanas": (lambda: sharpen(make_instanas(num_classes=10)), "route_flow.png"),
    "codebook": (make_codebook, "use_network.png"),
    "static": (lambda: make_dmnn(num_classes=10, selection="none"), "costs_macs.png"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_report_of_each_family(tiny_run, tmp_path, monkeypatch, light_only, name):
    def place_routes(sets):  # UMAP takes long, and is shown elsewhere.
        return np.random.default_rng(0).random((len(sets), 2)), "chance"

    monkeypatch.setattr(route_places, "place_routes", place_routes)
    make, picture = NETWORKS[name]
    shutil.copytree(tiny_run.path, tmp_path / "run")
    make().save(tmp_path / "run/model.keras")
    (row,) = evaluate(tmp_path / "run", [0.6])["routed"]
    content = report([tmp_path / "run"])
    numbers = content["runs"]["run"]
    assert numbers["accuracy"] == pytest.approx(row["accuracy"])
    assert numbers["macs_mean"] == pytest.approx(row["macs_mean"])
    assert (tmp_path / "run/report" / picture).exists()

"""Layout: every family's branches have a place."""

import pytest
from tiny_networks import make, make_dmnn, make_instanas

from export.web import layout


@pytest.mark.parametrize("model", [make, make_dmnn, make_instanas])
def test_every_branch_has_a_place(model):
    model = model()
    graphs = layout.graphs_of(model)
    places = [
        edge["first"] + index
        for graph in graphs
        for edge in graph["edges"]
        for index in range(len(edge["branches"]))
    ]
    assert sorted(places) == list(range(model.route_spec.size))
    for graph in graphs:
        for edge in graph["edges"]:
            assert 0 <= edge["source"] < edge["target"] < graph["nodes"]


def test_cells_are_graphs_and_blocks_are_a_chain():
    assert [graph["name"] for graph in layout.graphs_of(make())] == ["cell_0", "cell_1"]
    (graph,) = layout.graphs_of(make_dmnn())
    assert [(e["source"], e["target"]) for e in graph["edges"]] == [
        (index, index + 1) for index in range(graph["nodes"] - 1)
    ]

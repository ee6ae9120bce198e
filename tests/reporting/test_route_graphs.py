"""Graphs of networks: which nodes a connection joins, by the parts of a network."""

from matplotlib.image import imread

from tfdyn.reporting.route_graphs import Edge, find_graphs, route_graphs


def test_a_cell_is_a_graph_and_all_blocks_are_one():
    cell = ["cell_1_node_2_from_0", "cell_1_node_3_from_2"]
    blocks = [["stage_0_block_0"], ["stage_0_block_1"]]
    assert find_graphs([cell, *blocks]) == {
        "cell_1": [Edge(cell[0], 0, 2), Edge(cell[1], 2, 3)],
        "network": [Edge("stage_0_block_0", 0, 1), Edge("stage_0_block_1", 1, 2)],
    }


def test_mixed_ops_side_by_side_lead_to_the_same_node():
    graphs = find_graphs([["a", "b"], ["c"]])
    assert graphs == {"network": [Edge("a", 0, 1), Edge("b", 0, 1), Edge("c", 1, 2)]}


def test_an_edge_is_there_if_images_run_its_branch(tmp_path):
    def colors(share):
        use = {"a": {"pool": share, "conv": 1.0}}
        (picture,) = route_graphs([["a"]], use)
        picture.draw(tmp_path / "graph.png")
        pixels = imread(tmp_path / "graph.png")[..., :3]
        return picture.text, {tuple(row) for row in pixels.reshape(-1, 3).round(1)}

    text, without = colors(0.0)
    assert "conv 100.0 %" in text and "pool" not in text
    text, both = colors(0.5)
    assert "pool 50.0 %" in text and len(both) > len(without)

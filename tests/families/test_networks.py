"""Networks by name."""

import pytest

from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.families.networks import NETWORKS, build_network
from tfdyn.families.settings import Settings


def build(**settings):
    smallest = {"network": "drnet_tiny", "num_cells": 1, "num_nodes": 1, "filters": 4}
    return build_network(Settings(**{**smallest, **settings}), (8, 8, 1), 3)


def test_settings_reach_the_model():
    chosen = {
        "num_cells": 2,
        "filters": 5,
        "num_nodes": 2,
        "inputs_per_node": 1,
        "branches": ("skip_connection", "max_pool_3x3"),
        "topology_seed": 4,
        "selection": "softmax",
        "seed": 6,
    }
    model = build(**chosen, pretrain_temperature=2.5, threshold=(0.7,))
    config = model.get_config()
    assert {name: config[name] for name in chosen} == {
        **chosen,
        "branches": list(chosen["branches"]),
    }
    assert (config["input_shape"], config["num_classes"]) == ([8, 8, 1], 3)
    assert (config["temperature"], config["threshold"]) == (2.5, 0.7)
    assert isinstance(model, DRNet) and model.name == "drnet_tiny"
    assert float(model.selection.temperature.value) == 2.5


def test_settings_reach_a_dmnn():
    chosen = {"selection": "softmax", "previous_state": False, "seed": 6}
    chosen["normalized_routers"] = True
    settings = Settings(
        network="dmnn_tiny", categories="cifar10", threshold=(0.7,), **chosen
    )
    model = build_network(settings, (8, 8, 1), 10)
    config = model.get_config()
    assert {name: config[name] for name in chosen} == chosen
    assert (config["category_heads"], config["threshold"]) == (2, 0.7)
    assert isinstance(model, DMNN) and model.name == "dmnn_tiny"


def test_settings_reach_an_instanas():
    chosen = {"router": "residual", "alpha": 0.7, "seed": 6}
    settings = Settings(network="instanas_tiny", threshold=(0.7,), **chosen)
    model = build_network(settings, (8, 8, 1), 10)
    config = model.get_config()
    assert {name: config[name] for name in chosen} == chosen
    assert isinstance(model, InstaNAS) and model.name == "instanas_tiny"
    assert model.threshold == 0.7 and model.router.form == "residual"


def test_a_static_twin_has_no_routers_whatever_the_settings():
    settings = Settings(network="resnet_xs", categories="cifar10")
    model = build_network(settings, (8, 8, 1), 10)
    assert not model.routers and model.category_heads is None


def test_what_is_not_set_is_the_size_tables():
    settings = Settings(network="drnet_tiny")
    config = build_network(settings, (8, 8, 1), 3).get_config()
    _, sizes = NETWORKS["drnet_tiny"]
    assert {name: config[name] for name in sizes} == sizes


def test_one_threshold_a_connection():
    assert build(threshold=(0.5, 1.0)).threshold == [0.5, 1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "drnet_xxl"}, "--network=drnet_xxl.*drnet_tiny"),
        ({"branches": ("conv_9x9",)}, "got conv_9x9"),
        ({"num_cells": 0}, "num_cells must be at least 1"),
        ({"network": "dmnn_tiny"}, "--network=dmnn_tiny has no --num_cells.*none"),
        ({"network": "instanas_tiny"}, "--network=instanas_tiny has no --num_cells"),
        ({"network": "dmnn_tiny", "categories": "x.json"}, "--categories=x.json"),
    ],
)
def test_refuses(settings, message):
    if settings.get("categories"):
        settings = {**settings, "num_cells": None, "num_nodes": None, "filters": None}
    with pytest.raises(ValueError, match=message):
        build(**settings)

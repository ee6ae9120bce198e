"""Networks by name."""

import json

import pytest

from tfdyn.families import networks
from tfdyn.families.codebook.codebook import Codebook
from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.families.networks import build_network
from tfdyn.families.settings import Settings
from tfdyn.models.family import TrainingContext


def build(**settings):
    smallest = {"network": "drnet_tiny", "num_cells": 1, "num_nodes": 1, "filters": 4}
    return build_network(Settings(**{**smallest, **settings}), (8, 8, 1), 3)


def test_settings_reach_the_model():
    changes = {
        "num_cells": 2,
        "filters": 5,
        "num_nodes": 2,
        "inputs_per_node": 1,
        "branches": ("skip_connection", "max_pool_3x3"),
        "topology_seed": 4,
        "selection": "softmax",
        "seed": 6,
        "normalized_routers": True,
        "beliefs": True,
    }
    model = build(**changes, pretrain_temperature=2.5, threshold=(0.7,))
    config = model.get_config()
    assert {name: config[name] for name in changes} == {
        **changes,
        "branches": list(changes["branches"]),
    }
    assert (config["input_shape"], config["num_classes"]) == ([8, 8, 1], 3)
    assert (config["temperature"], config["threshold"]) == (2.5, 0.7)
    assert isinstance(model, DRNet) and model.name == "drnet_tiny"
    assert float(model.selection.temperature.value) == 2.5


def test_settings_of_beliefs_are_read_with_beliefs_alone():
    model = build(num_cells=1, beliefs=True, router_units=12)
    assert [cell.router.units for cell in model.cells] == [12]
    for name, value in (("router_units", 12), ("belief_weight", 0.2)):
        with pytest.raises(ValueError, match=f"without --beliefs has no --{name}"):
            build(num_cells=1, **{name: value})


def test_settings_reach_a_dmnn():
    changes = {"selection": "softmax", "previous_state": False, "seed": 6}
    changes |= {"normalized_routers": True, "beliefs": True, "rate_bias": 0.01}
    settings = Settings(
        network="dmnn_tiny", categories="cifar10", threshold=(0.7,), **changes
    )
    model = build_network(settings, (8, 8, 1), 10)
    config = model.get_config()
    assert {name: config[name] for name in changes} == changes
    assert (config["category_heads"], config["threshold"]) == (2, 0.7)
    assert isinstance(model, DMNN) and model.name == "dmnn_tiny"


def test_the_sub_blocks_of_a_dmnn_and_the_size_of_its_routers():
    settings = Settings(network="dmnn_xs", sub_blocks=1, router_units=8)
    model = build_network(settings, (32, 32, 3), 10)
    assert model.get_config()["stages"] == [[128, 61, 2, 1], [256, 122, 2, 2]]
    assert {(router.sub_blocks, router.units) for router in model.routers} == {(1, 8)}
    twin = build_network(Settings(network="resnet_xs"), (32, 32, 3), 10)
    routers = sum(w.shape.num_elements() for r in model.routers for w in r.weights)
    assert model.count_params() == twin.count_params() + routers
    assert not twin.routers


def test_settings_reach_an_instanas():
    changes = {"router": "residual", "alpha": 0.7, "seed": 6}
    changes |= {"normalized_routers": True}
    settings = Settings(network="instanas_tiny", threshold=(0.7,), **changes)
    model = build_network(settings, (8, 8, 1), 10)
    config = model.get_config()
    assert {name: config[name] for name in changes} == changes
    assert isinstance(model, InstaNAS) and model.name == "instanas_tiny"
    assert model.threshold == 0.7 and model.router.form == "residual"
    assert model.router.normalized


def test_a_static_twin_has_no_routers_whatever_the_settings():
    settings = Settings(network="resnet_xs", categories="cifar10")
    model = build_network(settings, (8, 8, 1), 10)
    assert not model.routers and model.category_heads is None


def test_what_is_not_set_is_the_size_tables():
    settings = Settings(network="drnet_tiny")
    config = build_network(settings, (8, 8, 1), 3).get_config()
    sizes = networks.family_of("drnet_tiny").sizes["drnet_tiny"]
    assert {name: config[name] for name in sizes} == sizes


def test_one_threshold_a_connection():
    assert build(threshold=(0.5, 1.0)).threshold == [0.5, 1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"network": "drnet_xxl"}, "--network=drnet_xxl.*drnet_tiny"),
        ({"branches": ("conv_9x9",)}, "got conv_9x9"),
        ({"num_cells": 0}, "--num_cells must be from 1 to 200; got 0"),
        ({"network": "drnet_x"}, "did you mean drnet_xs"),
        (
            {"network": "dmnn_tiny"},
            "--filters is a setting of DRNet, and --network=dmnn_tiny is of .* DMNN",
        ),
        (
            {"network": "instanas_tiny"},
            "--filters is a setting of DRNet, .* of the family InstaNAS",
        ),
        (
            {"network": "dmnn_tiny", "categories": "x.json"},
            "no x.json, a file for --categories",
        ),
    ],
)
def test_refuses(settings, message):
    if settings.get("categories"):
        settings = {**settings, "num_cells": None, "num_nodes": None, "filters": None}
    with pytest.raises((ValueError, OSError), match=message):
        build(**settings)


FOREIGN = {
    "drnet_xs": {
        "target_rate": 0.5,
        "alpha": 0.6,
        "categories": "cifar10",
        "noise_free_rates": True,
        "joint_epochs": 10,
        "retrain": False,
        "router": "residual",
    },
    "dmnn_xs": {
        "cost_weight": 0.2,
        "temperature_schedule": "linear",
        "drop_schedule": "constant",
        "router_learning_rate_factor": 0.5,
        "drop_branch": 0.1,
        "num_cells": 3,
        "entropy": "maximised",
    },
    "instanas_xs": {
        "selection": "softmax",
        "previous_state": False,
        "auxiliary_weight": 0.0,
        "target_rate_start": 1.0,
        "rate_bias": 0.01,
    },
}


@pytest.mark.parametrize(
    ("network", "name", "value"),
    [
        (net, name, value)
        for net, pairs in FOREIGN.items()
        for name, value in pairs.items()
    ],
)
def test_a_setting_of_another_family_is_refused(network, name, value):
    settings = Settings(network=network, **{name: value})
    with pytest.raises(
        ValueError, match=f"--{name} is a setting of .*--network={network} "
    ):
        build_network(settings, (32, 32, 3), 10)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cost_table", "latency.json"),
        ("cost_unit", "params"),
        ("sub_blocks", 2),
        ("router_units", 8),
        ("target_rate", 0.5),
        ("threshold", (0.5,)),
        ("selection", "softmax"),
    ],
)
@pytest.mark.parametrize("network", ["resnet_xs", "mobilenetv2_cifar10"])
def test_a_static_network_refuses_what_it_does_not_read(network, name, value):
    settings = Settings(network=network, **{name: value})
    with pytest.raises(ValueError, match=f"{network} is static: .* no --{name}; leave"):
        build_network(settings, (32, 32, 3), 10)


DMNN_TINY = {f"stage_{s}_block_{b}_sub_blocks": [1, 1] for s in "01" for b in "01"}


@pytest.fixture(scope="module")
def routes_file(tmp_path_factory):
    """The file of a codebook for dmnn_tiny."""
    cheap = {name: [0, 0] for name in DMNN_TINY}
    routes = [{"cost": 0.5, "route": cheap}, {"cost": 1, "route": DMNN_TINY}]
    path = tmp_path_factory.mktemp("codebook") / "codebook.json"
    path.write_text(json.dumps({"routes": routes}))
    return str(path)


def test_settings_reach_a_codebook(routes_file):
    changes = {"codebook": routes_file, "router_units": 9, "threshold": (0.7,)}
    changes |= {"belief_weight": 0.2, "distillation": 0.3, "categories": "cifar10"}
    changes |= {"trunk_gradient": 0.2}
    settings = Settings(network="dmnn_tiny", label_smoothing=0.2, **changes)
    model = build_network(settings, (8, 8, 1), 10)
    assert isinstance(model, Codebook) and isinstance(model.base, DMNN)
    assert model.name == "dmnn_tiny_codebook" and model.threshold == 0.7
    assert {router.units for router in model.routers if router} == {9}
    assert model.get_config()["trunk_gradient"] == 0.2
    assert not model.base.routers and model.base.category_heads is None
    family = networks.family_of_run(settings)
    stages = family.stages(settings, model, TrainingContext(5, None, None))
    assert [stage.name for stage in stages] == ["pretrain", "finetune"]
    loss = stages[1].loss
    assert (loss.distillation, loss.belief_weight) == (0.3, 0.2)
    assert loss.label_smoothing == 0.2 and loss.forks == [[0, 1]]
    assert family.callbacks(settings, model, None) == []


def test_a_codebook_of_a_static_network(tmp_path):
    names = [f"stage_{s}_block_{b}_sub_blocks" for s in "01" for b in "01"]
    routes = [
        {"cost": cost, "route": {name: [runs] for name in names}}
        for cost, runs in ((0.1, 0), (1.0, 1))
    ]
    path = tmp_path / "codebook.json"
    path.write_text(json.dumps({"routes": routes}))
    changes = {"codebook": str(path), "router_units": 9, "threshold": (0.7,)}
    model = build_network(Settings(network="resnet_xs", **changes), (8, 8, 1), 10)
    assert isinstance(model, Codebook) and model.threshold == 0.7


@pytest.mark.parametrize(
    ("network", "name", "value"),
    [
        ("dmnn_tiny", "target_rate", 0.5),
        ("dmnn_tiny", "selection", "softmax"),
        ("dmnn_tiny", "beliefs", True),
        ("dmnn_tiny", "rates_by_confidence", True),
        ("dmnn_tiny", "noise_end", 0.0),
        ("dmnn_tiny", "dependence_weight", 0.1),
        ("dmnn_tiny", "cost_table", "latency.json"),
        ("drnet_xs", "cost_weight", 0.2),
        ("drnet_xs", "drop_branch", 0.2),
        ("instanas_xs", "joint_epochs", 10),
        ("instanas_xs", "alpha", 0.6),
        ("instanas_xs", "dependence_weight", 0.1),
        ("resnet_xs", "target_rate", 0.5),
        ("resnet_xs", "cost_unit", "params"),
    ],
)
def test_a_codebook_refuses_what_it_does_not_read(routes_file, network, name, value):
    settings = Settings(network=network, codebook=routes_file, **{name: value})
    with pytest.raises(ValueError, match=f"--codebook, .* has no --{name}; leave"):
        build_network(settings, (32, 32, 3), 10)


@pytest.mark.parametrize("name", ["distillation", "trunk_gradient"])
def test_settings_of_codebooks_are_read_with_one_alone(name):
    with pytest.raises(ValueError, match=f"without --codebook has no --{name}"):
        build(**{name: 0.4})


def test_the_routes_of_a_codebook_are_those_of_its_network(routes_file):
    settings = Settings(network="dmnn_xs_deep", codebook=routes_file)
    with pytest.raises(
        ValueError, match="codebook.json is a codebook of another network"
    ):
        build_network(settings, (8, 8, 1), 10)


NOT_READ = {
    "--selection=none, without routers,": {
        "drnet_xs": {
            "threshold": (0.5,),
            "cost_unit": "params",
            "cost_table": "latency.json",
            "cost_weight": 0.2,
            "cost_form": "share",
            "pretrain_temperature": 2.0,
            "finetune_temperature_start": 2.0,
            "finetune_temperature_end": 0.1,
            "temperature_schedule": "linear",
            "temperature_decay": 0.1,
            "router_learning_rate_factor": 0.5,
            "normalized_routers": True,
            "beliefs": True,
            "belief_weight": 0.2,
            "dependence_weight": 0.1,
            "noise_end": 0.0,
        },
        "dmnn_xs": {
            "threshold": (0.5,),
            "cost_table": "latency.json",
            "router_units": 8,
            "previous_state": False,
            "normalized_routers": True,
            "target_rate": 0.5,
            "target_rate_start": 1.0,
            "noise_end": 0.0,
            "beliefs": True,
            "belief_weight": 0.2,
            "dependence_weight": 0.1,
            "noise_free_rates": True,
            "block_rate_weight": 0.0,
            "rate_bias": 0.01,
        },
    },
    "--selection=softmax": {"drnet_xs": {"noise_end": 0.0}},
    "--learning_rate_schedule=cosine": {
        "drnet_xs": {"learning_rate_decay": 0.5, "learning_rate_steps": (3,)}
    },
    "--learning_rate_schedule=exponential": {"dmnn_xs": {"learning_rate_steps": (3,)}},
    "--temperature_schedule=cosine": {"drnet_xs": {"temperature_decay": 0.1}},
    "--joint_epochs=0, without a search": {
        "instanas_xs": {"operating_point": "A", "dependence_weight": 0.1}
    },
    "--rate_bias=0.01, with which no loss holds the rate,": {
        "dmnn_xs": {
            "noise_free_rates": True,
            "rates_by_confidence": True,
            "cost_unit": "params",
        }
    },
    "InstaNAS, whose one router decides before": {
        "instanas_xs": {"beliefs": True, "belief_weight": 0.2}
    },
    "InstaNAS, which explores by --alpha": {"instanas_xs": {"noise_end": 0.0}},
}


@pytest.mark.parametrize(
    ("reason", "network", "name", "value"),
    [
        (reason, network, name, value)
        for reason, networks_ in NOT_READ.items()
        for network, pairs in networks_.items()
        for name, value in pairs.items()
    ],
)
def test_a_setting_that_no_stage_reads_is_refused(reason, network, name, value):
    changes = {}
    if reason.startswith("--") and "joint_epochs" not in reason:
        setting, _, other = reason.partition(",")[0][2:].partition("=")
        changes[setting] = float(other) if setting == "rate_bias" else other
    settings = Settings(network=network, **{name: value}, **changes)
    with pytest.raises(ValueError, match=f"^{reason}.* has no --{name}; leave it out"):
        networks.check_settings(settings)


def test_all_settings_that_a_codebook_does_not_read_are_named_at_once():
    settings = Settings(
        network="instanas_xs", codebook="a.json", joint_epochs=10, drop_branch=0.1
    )
    expected = "has no --drop_branch, --joint_epochs; leave them out, of the flagfile"
    with pytest.raises(ValueError, match=expected):
        build_network(settings, (32, 32, 3), 10)


@pytest.mark.parametrize(
    "changes",
    [
        {"selection": "none", "threshold": 1.0, "drop_connection": 0.2},
        {"selection": "none", "auxiliary_weight": 0.0, "filters": 4},
        {"learning_rate_schedule": "step", "learning_rate_steps": (3,)},
        {"learning_rate_schedule": "exponential", "learning_rate_decay": 0.5},
        {"temperature_decay": 0.1, "finetune_epochs": 0},
        {"network": "dmnn_xs", "selection": "none", "sub_blocks": 3},
        {"network": "dmnn_xs", "selection": "none", "categories": "cifar10"},
        {"network": "instanas_xs", "joint_epochs": 10, "operating_point": "A"},
        {"network": "instanas_xs", "joint_epochs": 10, "dependence_weight": 0.1},
        {"network": "dmnn_xs", "rate_bias": 0.01, "block_rate_weight": 0.0}
        | {"cost_unit": "params"},
    ],
)
def test_a_setting_that_a_stage_reads_is_not(changes):
    networks.check_settings(Settings(**{"network": "drnet_xs", **changes}))


def test_settings_at_their_defaults_belong_to_no_family():
    for network in networks.networks():
        networks.check_settings(Settings(network=network))


def test_a_static_network_has_no_routers_to_set():
    for changes in (
        {"target_rate": 0.5},
        {"normalized_routers": True},
        {"selection": "softmax"},
        {"threshold": 0.5},
    ):
        settings = Settings(network="resnet_xs", **changes)
        with pytest.raises(ValueError, match="resnet_xs is static.* has no --"):
            networks.check_settings(settings)


def test_a_network_is_built_by_its_name():
    model = networks.build("dmnn_tiny", (8, 8, 1), 3, threshold=0.4)
    assert isinstance(model, DMNN) and model.name == "dmnn_tiny"
    assert model.threshold == 0.4 and model.head.num_classes == 3
    small = networks.build("drnet_tiny", [8, 8, 1], 3, num_cells=1)
    assert len(small.cells) == 1
    for shape in ((8, 8), 8, (8, 8, 0), (8.0, 8, 1)):
        with pytest.raises(ValueError, match="three whole numbers from 1 to 8192; got"):
            networks.build("drnet_tiny", shape, 3)
    with pytest.raises(
        ValueError, match="num_classes must be a whole number of at least 1; got 'a'"
    ):
        networks.build("drnet_tiny", (8, 8, 1), "a")
    with pytest.raises(ValueError, match="drnet_tin is unknown.*drnet_tiny"):
        networks.build("drnet_tin", (8, 8, 1), 3)
    with pytest.raises(ValueError, match="no argument 'number_of_cells'.*num_cells"):
        networks.build("drnet_tiny", (8, 8, 1), 3, number_of_cells=1)

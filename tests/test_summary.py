"""Sizes of the networks: the published ones, and those in a golden file.

`PYTHONPATH=. python tests/test_summary.py` writes the golden file anew.
"""

import functools
import json
import subprocess
import sys

import pytest
from paths import ROOT

from tfdyn.costs.summary import summary, table
from tfdyn.data.dataset import shape_of
from tfdyn.families.codebook.codebook import Codebook
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.families.networks import build_network, networks
from tfdyn.families.settings import Settings
from tfdyn.families.wrapped.wrapped import Wrapped
from tfdyn.layers.modules import KINDS
from tfdyn.settings.flagfiles import from_flagfile

CONFIGS = sorted((ROOT / "configs").glob("*.flags"))
GOLDEN = ROOT / "tests" / "golden" / "networks.json"
TOTALS = ("params", "macs", "router_params", "router_macs")
# Configs of a network with other routers than in the config of the network's name.
VARIANTS = (
    "dmnn_xs_deep_codebook",
    "dmnn_xs_deep_paper",
    "dmnn_xs_deep_scratch",
    "drnet_xs_deep_scratch",
    "instanas_xs_deep_scratch",
    "quickstart",
    "wrapped_resnet32",
)


def name_of(config, content):
    """The name of a flagfile's network in the golden file."""
    return config.stem if config.stem in VARIANTS else content["name"]


@functools.cache
def counted(config):
    """The summary of a flagfile's network, and what the golden file has of it."""
    settings = from_flagfile(Settings, config)
    where = settings.dataset, settings.data_dir, settings.image_size
    model = build_network(settings, *shape_of(*where))
    content = summary(model)
    golden = {name: content[name] for name in TOTALS}
    return content, {**golden, **structure(model)}


def structure(model):
    """What the totals do not say of a network, and a change of which is a new one."""
    if isinstance(model, Codebook):
        routes, spec = model.unpruned(model.routes)
        routes = [spec.to_text(route) for route in routes]
        return {"base": structure(model.base), "routes": routes}
    if isinstance(model, DRNet):
        return {"topology": list(model.cells[0].topology)}
    config = model.get_config()
    if isinstance(model, Wrapped):
        return {"links": [link.name for link in model.chain]}
    content = {"stages": config["stages"]}
    if isinstance(model, InstaNAS):
        content["modules"] = [b.name for b in model.mixed_ops[0].branches]
        content["strides"] = [config["stem_strides"], *_strides(model)]
    return content


def _strides(model):
    return [op.branches[0].strides for op in model.mixed_ops]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_builds_its_golden_network(config):
    content, golden = counted(config)
    assert json.loads(GOLDEN.read_text())[name_of(config, content)] == golden, (
        f"{content['name']} has changed. If that is meant, run "
        f"`PYTHONPATH=. python tests/test_summary.py`."
    )


def test_every_network_is_golden():
    assert json.loads(GOLDEN.read_text()).keys() == {*networks(), *VARIANTS}


# Parameters and MACs in millions, of all branches (DRNet table 1, ISBNet table 1).
@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("drnet_s", 0.57, 84.65),
        ("drnet_m", 1.86, 267.3),
        ("drnet_l", 4.41, 603.1),
        ("isbnet_s", 0.57, 84.65),
        ("isbnet_m", 1.86, 267.26),
    ],
)
def test_published_sizes(name, params, macs):
    content, _ = counted(ROOT / "configs" / f"{name}.flags")
    assert content["params"] / 1e6 == pytest.approx(params, rel=0.025)
    assert content["macs"] / 1e6 == pytest.approx(macs, rel=0.025)


# Parameters in millions, MACs in billions (DMNN tables 1 to 3; table 3 has MACs alone).
# Our rule counts the stem, its pool and batch norm too.
@pytest.mark.parametrize(
    ("name", "params", "macs", "rel"),
    [
        ("resnet_50", 25.56, 3.96, 0.005),
        ("resnet_101", 44.55, 7.67, 0.005),
        ("mobilenetv2", 3.50, 0.30, 0.01),
        ("mobilenetv2_1.4", 6.09, 0.57, 0.01),
        ("resnet_50_cifar100", None, 0.33, 0.005),
        ("dmnn_50_n2", 24.67, None, 0.005),
        ("dmnn_50_n3", 25.81, None, 0.005),
        ("dmnn_50_n4", 25.81, None, 0.005),
        ("dmnn_101_n2", 43.12, None, 0.005),
        ("dmnn_mobilenetv2", 3.63, None, 0.01),
        ("dmnn_mobilenetv2_1.4", 6.29, None, 0.01),
    ],
)
def test_published_sizes_of_dmnn_and_its_static_twins(name, params, macs, rel):
    content, _ = counted(ROOT / "configs" / f"{name}.flags")
    if params:
        assert content["params"] / 1e6 == pytest.approx(params, rel=rel)
    if macs:
        assert content["macs"] / 1e9 == pytest.approx(macs, rel=0.05)


def test_routers_of_dmnn_50_cost_next_to_nothing():
    static, _ = counted(ROOT / "configs" / "resnet_50.flags")
    for number in (2, 3, 4):
        content, _ = counted(ROOT / "configs" / f"dmnn_50_n{number}.flags")
        assert 0 < content["router_macs"] <= 0.0005 * static["macs"]


def test_static_twins_are_as_large_as_what_they_are_compared_with():
    xs, _ = counted(ROOT / "configs" / "dmnn_xs.flags")
    static, _ = counted(ROOT / "configs" / "resnet_xs.flags")
    assert static["macs"] == pytest.approx(xs["macs"], rel=0.02)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("instanas_cifar10", 32),
        ("instanas_cifar100", 32),
        ("instanas_tinyimagenet", 64),
        ("instanas_imagenet", 224),
    ],
)
def test_instanas_has_17_cells_of_five_modules(name, side):
    content, golden = counted(ROOT / "configs" / f"{name}.flags")
    branches = [part for part in content["parts"] if part["kind"] == "branch"]
    assert len(branches) == 85
    assert len({branch["name"].split("/")[0] for branch in branches}) == 17
    halvings = {32: 3, 64: 4, 224: 5}[side]
    assert len(golden["strides"]) == 18 and golden["strides"].count(2) == halvings
    # The router costs little of what MobileNetV2's own modules do.
    backbone = sum(part["macs"] for part in branches if "3x3_f6" in part["name"])
    assert content["router_macs"] < 0.03 * backbone


def test_bounds_of_the_authors_code_in_macs():
    content, _ = counted(ROOT / "configs" / "instanas_cifar10.flags")
    macs = {part["name"]: part["macs"] for part in content["parts"]}
    backbone = sum(macs[name] for name in macs if name.endswith("mb_conv_3x3_f6"))
    fallback = sum(macs[name] for name in macs if name.endswith("0_modules/basic_conv"))
    # As in the notes on it, where batch norm is not counted.
    assert backbone / 2e6 == pytest.approx(45.5, rel=0.03)
    assert fallback / 1e6 == pytest.approx(60.5, rel=0.005)


def test_static_peers_of_instanas_are_mobilenetv2_at_32_pixels():
    # Of the stages that its meta-graph has, and its head.
    searched, golden = counted(ROOT / "configs" / "instanas_cifar10.flags")
    static, twin = counted(ROOT / "configs" / "mobilenetv2_cifar10.flags")
    assert [(f, n, s) for f, _, n, s in twin["stages"]] == [
        tuple(stage) for stage in golden["stages"]
    ]
    heads = [
        [part for part in content["parts"] if part["kind"] == "head"]
        for content in (searched, static)
    ]
    assert heads[0] == heads[1]
    sizes = {
        name: counted(ROOT / "configs" / f"{name}.flags")[0]["params"] / 1e6
        for name in ("mobilenetv2_0.4_cifar10", "mobilenetv2_1.4_cifar10")
    }
    assert list(sizes.values()) == pytest.approx([0.50, 4.33], abs=0.01)
    assert static["params"] / 1e6 == pytest.approx(2.24, abs=0.01)


def test_published_sizes_without_routers():
    content, _ = counted(ROOT / "configs" / "drnet_s.flags")
    params = content["params"] - content["router_params"]
    macs = content["macs"] - content["router_macs"]
    assert params / 1e6 == pytest.approx(0.46, rel=0.025)
    assert macs / 1e6 == pytest.approx(77.34, rel=0.025)


def test_totals_are_the_sums_of_the_parts():
    content, _ = counted(ROOT / "configs" / "drnet_tiny.flags")
    parts = content["parts"]
    routers = [part for part in parts if part["kind"] == "router"]
    assert {part["kind"] for part in parts} == set(KINDS)
    for unit in ("params", "macs"):
        assert content[unit] == sum(part[unit] for part in parts)
        assert content[f"router_{unit}"] == sum(part[unit] for part in routers)
        assert all(isinstance(part[unit], int) for part in parts)


def test_the_command_prints_one_json_object_and_nothing_else():
    command = [sys.executable, "-m", "tfdyn.summary", "--json"]
    command.append("--flagfile=configs/drnet_s.flags")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    content, _ = counted(ROOT / "configs" / "drnet_s.flags")
    assert json.loads(done.stdout) == content


def test_table_has_a_line_for_each_cell_and_kind():
    content, _ = counted(ROOT / "configs" / "drnet_tiny.flags")
    _, *lines, last = table(content).splitlines()
    groups = ["preprocess", "branch", "router"]
    names = [f"cell_{i} {group}" for i in range(3) for group in groups]
    starts = [line.rsplit(maxsplit=3)[0] for line in lines]
    assert sorted(starts) == sorted(["stem", *names, "head"])
    assert last.split()[0] == "drnet_tiny"
    assert last.split()[2:] == [f"{content['params']:,}", f"{content['macs']:,}"]
    params = sum(int(line.split()[-2].replace(",", "")) for line in lines)
    assert params == content["params"]


if __name__ == "__main__":
    sizes = {}
    for path in CONFIGS:
        content, golden = counted(path)
        sizes[name_of(path, content)] = golden
    lines = [f'"{name}": {json.dumps(sizes[name])}' for name in sorted(sizes)]
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")

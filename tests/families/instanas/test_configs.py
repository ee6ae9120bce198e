"""Configs of InstaNAS: the settings that its authors' code has."""

import pytest
from paths import ROOT

from tfdyn.families.settings import Settings
from tfdyn.settings.flagfiles import from_flagfile


def config(name):
    return from_flagfile(Settings, ROOT / "configs" / f"{name}.flags")


# Data set: turns of the search, learning rate of the meta-graph in it, held-out share.
@pytest.mark.parametrize(
    ("name", "turns", "learning_rate", "share"),
    [
        ("cifar10", 500, 5e-4, 0.0),
        ("cifar100", 500, 5e-4, 0.0),
        ("tinyimagenet", 500, 5e-4, 0.0),
        ("imagenet", 50, 0.01, 0.01),
    ],
)
def test_the_search_of_the_paper_is_the_authors(name, turns, learning_rate, share):
    settings = config(f"instanas_{name}")
    assert settings.joint_epochs // 2 == turns
    assert settings.meta_graph_learning_rate == learning_rate
    assert settings.meta_graph_schedule == "constant"
    assert settings.meta_graph_momentum == settings.meta_graph_weight_decay == 0
    assert settings.validation_share == share


@pytest.mark.parametrize("width", ["", "_0.4", "_1.4"])
def test_the_peers_train_on_the_same_images(width):
    assert config(f"mobilenetv2{width}_cifar10").validation_share == 0

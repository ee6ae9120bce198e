"""What each family's description says."""

import dataclasses

import pytest
from tiny_networks import make, make_dmnn, make_instanas
from tiny_settings import (
    context,
    tiny_dmnn_settings,
    tiny_instanas_settings,
    tiny_settings,
)

from tfdyn.families.dmnn.family import FAMILY as DMNN
from tfdyn.families.dmnn.rate_loss import RateLoss
from tfdyn.families.drnet.family import FAMILY as DRNET
from tfdyn.families.instanas.collapse import Collapse
from tfdyn.families.instanas.family import FAMILY as INSTANAS
from tfdyn.families.instanas.operating_points import OperatingPoints
from tfdyn.families.instanas.policy_loss import PolicyLoss
from tfdyn.families.networks import FAMILIES
from tfdyn.families.settings import Settings
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.runs.run_folder import RunFolder


def test_each_family_has_its_losses():
    run = context(run=RunFolder("nowhere"))
    drnet = DRNET.stages(tiny_settings(), make(), run)
    assert [type(stage.loss) for stage in drnet] == [RoutingLoss, RoutingLoss]
    dmnn = DMNN.stages(tiny_dmnn_settings(), make_dmnn(), run)
    assert [type(stage.loss) for stage in dmnn] == [RateLoss]
    settings = tiny_instanas_settings()
    first, joint, last = INSTANAS.stages(settings, make_instanas(), run)
    losses = [turn.loss for turn in (first, *joint.turns, last)]
    types = [RoutingLoss, PolicyLoss, RoutingLoss, RoutingLoss]
    assert [type(loss) for loss in losses] == types


def test_a_search_alone_has_callbacks():
    def callbacks(family, settings, model):
        run = context(run=RunFolder("nowhere"))
        return [type(callback) for callback in family.callbacks(settings, model, run)]

    assert callbacks(DRNET, tiny_settings(), make()) == []
    expected = [OperatingPoints, Collapse]
    assert callbacks(INSTANAS, tiny_instanas_settings(), make_instanas()) == expected
    settings = tiny_instanas_settings(joint_epochs=0)
    assert callbacks(INSTANAS, settings, make_instanas()) == []


def test_the_settings_of_a_family_are_settings_of_a_run():
    names = {field.name for field in dataclasses.fields(Settings)}
    for family in FAMILIES:
        assert family.reads <= names
        assert set(family.overrides) <= family.reads


def test_no_two_families_share_a_setting_or_a_network():
    for one in FAMILIES:
        for other in FAMILIES:
            if one is not other:
                fields = [
                    {field.name for field in dataclasses.fields(family.settings)}
                    for family in (one, other)
                ]
                assert not fields[0] & fields[1]
                assert not one.sizes.keys() & other.sizes.keys()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_is_named_after_its_model(family):
    assert family.name == family.model.__name__
    assert all(isinstance(size, dict) for size in family.sizes.values())

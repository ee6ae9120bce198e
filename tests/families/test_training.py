"""How the networks of each family are trained."""

from tiny_networks import make, make_dmnn, make_instanas
from tiny_settings import tiny_dmnn_settings, tiny_instanas_settings, tiny_settings

from tfdyn.families.dmnn.rate_loss import RateLoss
from tfdyn.families.instanas.collapse import Collapse
from tfdyn.families.instanas.operating_points import OperatingPoints
from tfdyn.families.instanas.policy_loss import PolicyLoss
from tfdyn.families.networks import NETWORKS
from tfdyn.families.training import STAGES, make_callbacks, make_stages
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.runs.run_folder import RunFolder


def test_every_network_has_stages():
    assert {network for network, _ in NETWORKS.values()} == set(STAGES)


def test_each_family_has_its_losses():
    folder = RunFolder("nowhere")
    drnet = make_stages(tiny_settings(), make(), 10, "abc", folder)
    assert [type(stage.loss) for stage in drnet] == [RoutingLoss, RoutingLoss]
    dmnn = make_stages(tiny_dmnn_settings(), make_dmnn(), 10, "abc", folder)
    assert [type(stage.loss) for stage in dmnn] == [RateLoss]
    settings = tiny_instanas_settings()
    first, joint, last = make_stages(settings, make_instanas(), 10, "abc", folder)
    losses = [turn.loss for turn in (first, *joint.turns, last)]
    types = [RoutingLoss, PolicyLoss, RoutingLoss, RoutingLoss]
    assert [type(loss) for loss in losses] == types


def test_a_search_alone_has_callbacks_of_its_own():
    def callbacks(settings, model):
        made = make_callbacks(settings, model, None, RunFolder("nowhere"), None)
        return [type(callback) for callback in made]

    assert callbacks(tiny_settings(), make()) == []
    expected = [OperatingPoints, Collapse]
    assert callbacks(tiny_instanas_settings(), make_instanas()) == expected
    settings = tiny_instanas_settings(joint_epochs=0)
    assert callbacks(settings, make_instanas()) == []

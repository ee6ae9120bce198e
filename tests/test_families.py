"""How the networks of each family are trained."""

from conftest import tiny_dmnn_settings, tiny_settings
from tiny_networks import make, make_dmnn

from tfdyn.losses.rate_loss import RateLoss
from tfdyn.losses.routing_loss import RoutingLoss
from tfdyn.models.networks import NETWORKS
from tfdyn.training.families import STAGES, make_stages


def test_every_network_has_stages():
    assert {network for network, _ in NETWORKS.values()} == set(STAGES)


def test_each_family_has_its_losses():
    drnet = make_stages(tiny_settings(), make(), 10, "abc")
    assert [type(stage.loss) for stage in drnet] == [RoutingLoss, RoutingLoss]
    dmnn = make_stages(tiny_dmnn_settings(), make_dmnn(), 10, "abc")
    assert [type(stage.loss) for stage in dmnn] == [RateLoss]

"""RouterSettings: the settings of routers that several families share."""

import dataclasses

from tfdyn.settings.fields import setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class RouterSettings:
    """What routers see, and what makes their choices depend on the image."""

    router_units: int = setting(
        32,
        "DMNN and --codebook: d, the size of each router's state or hidden layer. "
        "DRNet: that of the hidden layer of routers with --beliefs.",
        within="at least 1",
    )
    normalized_routers: bool = setting(
        False,
        "Routers have batch normalisation before their decision, so what they see "
        "differs more between images. The papers have none there.",
    )
    beliefs: bool = setting(
        False,
        "DRNet and DMNN: a small classifier beside each router tells it which class "
        "the image seems to be, and how surely. No paper has these. InstaNAS's one "
        "router decides before there is anything to believe.",
    )
    belief_weight: float = setting(
        0.1,
        "DRNet, DMNN and --codebook: weight of the loss of the classifiers of "
        "--beliefs. The routers of a codebook always have them.",
        within="at least 0",
    )
    dependence_weight: float = setting(
        0.0,
        "Weight of a term that rewards choices which differ between images: the mutual "
        "information of image and choice, from 0 to 1. InstaNAS: in the search, where "
        "it stands beside rewards of up to --reward_right, so weights from 1 to 20 "
        "matter there.",
        within="at least 0",
    )
    noise_end: float = setting(
        1.0,
        "DRNet and DMNN: factor of the Gumbel noise in the last epoch of stage 2. It "
        "starts at 1. With 0, routers decide without noise at the end, as in "
        "inference. InstaNAS has no such noise: see --alpha.",
        within="at least 0",
    )


ROUTER_SETTINGS = tuple(field.name for field in dataclasses.fields(RouterSettings))

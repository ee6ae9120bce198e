"""tfdyn: neural networks that spend on each image only what it needs.

```python
import tfdyn

tfdyn.networks()  # names of all networks
model = tfdyn.build("drnet_s", (32, 32, 3), 10)  # untrained
model = tfdyn.load("runs/quickstart")  # trained
```
"""

import importlib
from typing import TYPE_CHECKING

from tfdyn import interrupts, keras_names

interrupts.leave_at_once()
keras_names.register()

__version__ = "0.1.0"

# Editors and type checkers read these imports. At run time a name is imported when it
# is first used: `import tfdyn` is quick, and needs no TensorFlow on another backend.
if TYPE_CHECKING:
    from tfdyn.costs.cost_table import CostTable
    from tfdyn.costs.route_cost import RouteCost
    from tfdyn.families.codebook.codebook import Codebook
    from tfdyn.families.dmnn.dmnn import DMNN
    from tfdyn.families.dmnn.rate_loss import RateLoss
    from tfdyn.families.drnet.drnet import DRNet
    from tfdyn.families.instanas.instanas import InstaNAS
    from tfdyn.families.instanas.policy_loss import PolicyLoss
    from tfdyn.families.networks import build, networks
    from tfdyn.families.settings import Settings
    from tfdyn.families.wrapped.describe import describe
    from tfdyn.families.wrapped.loss import WrappedLoss
    from tfdyn.families.wrapped.wrapped import Wrapped
    from tfdyn.families.wrapped.wrapping import wrap
    from tfdyn.layers.mixed_op import MixedOp
    from tfdyn.losses.routing_loss import RoutingLoss
    from tfdyn.models.routed_model import RoutedModel
    from tfdyn.routing.route import RouteSpec
    from tfdyn.runs.finished import load

_MODULES = {
    "Codebook": "tfdyn.families.codebook.codebook",
    "CostTable": "tfdyn.costs.cost_table",
    "DMNN": "tfdyn.families.dmnn.dmnn",
    "DRNet": "tfdyn.families.drnet.drnet",
    "InstaNAS": "tfdyn.families.instanas.instanas",
    "MixedOp": "tfdyn.layers.mixed_op",
    "PolicyLoss": "tfdyn.families.instanas.policy_loss",
    "RateLoss": "tfdyn.families.dmnn.rate_loss",
    "RouteCost": "tfdyn.costs.route_cost",
    "RouteSpec": "tfdyn.routing.route",
    "RoutedModel": "tfdyn.models.routed_model",
    "RoutingLoss": "tfdyn.losses.routing_loss",
    "Settings": "tfdyn.families.settings",
    "Wrapped": "tfdyn.families.wrapped.wrapped",
    "WrappedLoss": "tfdyn.families.wrapped.loss",
    "build": "tfdyn.families.networks",
    "describe": "tfdyn.families.wrapped.describe",
    "load": "tfdyn.runs.finished",
    "networks": "tfdyn.families.networks",
    "wrap": "tfdyn.families.wrapped.wrapping",
}

__all__ = [
    "DMNN",
    "Codebook",
    "CostTable",
    "DRNet",
    "InstaNAS",
    "MixedOp",
    "PolicyLoss",
    "RateLoss",
    "RouteCost",
    "RouteSpec",
    "RoutedModel",
    "RoutingLoss",
    "Settings",
    "Wrapped",
    "WrappedLoss",
    "build",
    "describe",
    "load",
    "networks",
    "wrap",
]


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module 'tfdyn' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__():
    return [*globals(), *__all__]

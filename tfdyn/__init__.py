"""tfdyn: networks that spend on each input only what it needs."""

import importlib

__version__ = "0.1.0"

# Public names and their modules, imported when they are first used: `import tfdyn`
# is quick, and the networks do without TensorFlow on another Keras backend.
_PUBLIC = {
    "CostTable": "tfdyn.costs.cost_table",
    "DMNN": "tfdyn.families.dmnn.dmnn",
    "DRNet": "tfdyn.families.drnet.drnet",
    "InstaNAS": "tfdyn.families.instanas.instanas",
    "MixedOp": "tfdyn.layers.mixed_op",
    "PolicyLoss": "tfdyn.families.instanas.policy_loss",
    "RateLoss": "tfdyn.families.dmnn.rate_loss",
    "RouteCost": "tfdyn.costs.route_cost",
    "RoutedModel": "tfdyn.models.routed_model",
    "RoutingLoss": "tfdyn.losses.routing_loss",
    "Settings": "tfdyn.families.settings",
}

__all__ = [*_PUBLIC, "load"]


def __getattr__(name):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'tfdyn' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def load(run_dir, name="model.keras"):
    """Loads the model of a run.

    ```python
    model = tfdyn.load("runs/quickstart")
    outputs = model(images, threshold=0.8)
    ```

    Args:
        run_dir: Folder of a finished run.
        name: "model.keras", the end of the training, or "best.keras", its best epoch
            on the validation share.

    Returns:
        A `RoutedModel`.

    Raises:
        ValueError: If the run is not finished or the file cannot be read.
    """
    from tfdyn.runs.run_folder import RunFolder

    return RunFolder(run_dir).load_model(name)

"""Families: how the networks of each are trained."""

from tfdyn.models.dmnn import DMNN
from tfdyn.models.drnet import DRNet
from tfdyn.training.dmnn_stages import dmnn_stages
from tfdyn.training.stages import drnet_stages

# Function of (settings, model, steps of an epoch, names of classes).
STAGES = {
    DRNet: lambda settings, model, steps, _: drnet_stages(settings, model, steps),
    DMNN: dmnn_stages,
}


def make_stages(settings, model, steps_per_epoch, class_names):
    """Returns the list of stages of a network's training.

    Args:
        settings: `Settings`.
        model: `RoutedModel` of a family in `STAGES`.
        steps_per_epoch: Training steps of an epoch.
        class_names: Names of the classes, in the order of the labels.

    Raises:
        ValueError: If a setting does not fit the model.
    """
    return STAGES[type(model)](settings, model, steps_per_epoch, class_names)

"""Families: how the networks of each are trained."""

from tfdyn.families.dmnn.dmnn import DMNN
from tfdyn.families.dmnn.stages import dmnn_stages
from tfdyn.families.drnet.drnet import DRNet
from tfdyn.families.instanas.collapse import Collapse
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.families.instanas.operating_points import OperatingPoints
from tfdyn.families.instanas.stages import instanas_stages
from tfdyn.training.stage import drnet_stages

# Function of (settings, model, steps of an epoch, names of classes, run folder).
STAGES = {
    DRNet: lambda settings, model, steps, *_: drnet_stages(settings, model, steps),
    DMNN: lambda settings, model, steps, names, _: dmnn_stages(
        settings, model, steps, names
    ),
    InstaNAS: lambda settings, model, steps, _, folder: instanas_stages(
        settings, model, steps, folder
    ),
}


def make_stages(settings, model, steps_per_epoch, class_names, folder):
    """Returns the list of stages of a network's training.

    Args:
        settings: `Settings`.
        model: `RoutedModel` of a family in `STAGES`.
        steps_per_epoch: Training steps of an epoch.
        class_names: Names of the classes, in the order of the labels.
        folder: `RunFolder` of the training.

    Raises:
        ValueError: If a setting does not fit the model.
    """
    return STAGES[type(model)](settings, model, steps_per_epoch, class_names, folder)


def make_callbacks(settings, model, input_format, folder, output):
    """Returns the Keras callbacks that a family's training has beside the usual.

    Args:
        settings: `Settings`.
        model: `RoutedModel`.
        input_format: `InputFormat` of its images.
        folder: `RunFolder` of the training.
        output: Where they write.
    """
    if not isinstance(model, InstaNAS) or not settings.joint_epochs:
        return []
    points = OperatingPoints(settings, input_format, folder, output)
    return [points, Collapse(output)]

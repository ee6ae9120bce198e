"""The InstaNAS family: the meta-graphs of the paper, and two small ones of ours."""

from tfdyn.families.instanas.collapse import Collapse
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.families.instanas.operating_points import OperatingPoints
from tfdyn.families.instanas.settings import InstaNASSettings
from tfdyn.families.instanas.sizes import SIZES
from tfdyn.families.instanas.stages import instanas_stages
from tfdyn.models.family import Family


def _arguments(settings, size):
    return {"router": settings.router, "alpha": settings.alpha}


def _callbacks(settings, model, context):
    if not settings.joint_epochs:
        return []
    points = OperatingPoints(
        settings, context.input_format, context.run, context.output
    )
    return [points, Collapse(context.output)]


FAMILY = Family(
    model=InstaNAS,
    sizes=SIZES,
    settings=InstaNASSettings,
    arguments=_arguments,
    stages=instanas_stages,
    callbacks=_callbacks,
    also_reads=("drop_branch",),
)

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


def _unread(settings):
    if settings.joint_epochs:
        return {}
    reason = (
        "--joint_epochs=0, without a search (--init_from=RUN/operating_points/A starts "
        "from a point of another one),"
    )
    return {"operating_point": reason}


FAMILY = Family(
    model=InstaNAS,
    sizes=SIZES,
    settings=InstaNASSettings,
    arguments=_arguments,
    stages=instanas_stages,
    callbacks=_callbacks,
    also_reads=("drop_branch",),
    unread=_unread,
)

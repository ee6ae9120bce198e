"""The InstaNAS family: the meta-graphs of the paper, and two small ones of ours."""

from tfdyn.families.instanas.collapse import Collapse
from tfdyn.families.instanas.instanas import InstaNAS
from tfdyn.families.instanas.operating_points import OperatingPoints
from tfdyn.families.instanas.settings import InstaNASSettings
from tfdyn.families.instanas.sizes import SIZES
from tfdyn.families.instanas.stages import instanas_stages
from tfdyn.models.family import Family


def _arguments(settings, size):
    return {
        "router": settings.router,
        "alpha": settings.alpha,
        "normalized_routers": settings.normalized_routers,
    }


def _callbacks(settings, model, context):
    if not settings.joint_epochs:
        return []
    points = OperatingPoints(
        settings, context.input_format, context.run, context.output
    )
    return [points, Collapse(context.output)]


def _unread(settings):
    early = "InstaNAS, whose one router decides before the network sees the image,"
    unread = {"beliefs": early}
    if not settings.codebook:
        unread["belief_weight"] = early
    unread["noise_end"] = "InstaNAS, which explores by --alpha and not by Gumbel noise,"
    if not settings.joint_epochs:
        reason = (
            "--joint_epochs=0, without a search (--init_from=RUN/operating_points/A "
            "starts from a point of another one),"
        )
        unread |= {"operating_point": reason, "dependence_weight": reason}
    return unread


FAMILY = Family(
    model=InstaNAS,
    sizes=SIZES,
    settings=InstaNASSettings,
    arguments=_arguments,
    stages=instanas_stages,
    callbacks=_callbacks,
    also_reads=("drop_branch", "normalized_routers", "dependence_weight"),
    of_routers=("normalized_routers", "dependence_weight"),
    unread=_unread,
)

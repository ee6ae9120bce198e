"""The training of a codebook, in one or two stages."""

from tfdyn.families.codebook.codebook import Codebook
from tfdyn.families.codebook.loss import CodebookLoss
from tfdyn.models.family import TrainingContext
from tfdyn.training.stage import Stage, sgd_stage


def codebook_stages(settings, model: Codebook, context: TrainingContext) -> list[Stage]:
    """Returns the stages of a codebook's training. All routes and routers are trained.

    Args:
        settings: `Settings` of the run.
        model: `Codebook` to train.
        context: `TrainingContext` of the run.

    Returns:
        List of the one or two `Stage`s that have epochs. They differ in their learning
        rates alone.
    """
    forks = [fork.members for forks in model.tree.forks for fork in forks]
    stages = []
    for name in ("pretrain", "finetune"):
        loss = CodebookLoss(
            forks,
            settings.label_smoothing,
            settings.distillation,
            settings.belief_weight,
        )
        stages.append(sgd_stage(name, settings, context.steps_per_epoch, loss, {}))
    return [stage for stage in stages if stage.epochs]

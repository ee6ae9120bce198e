"""Trainings that stop before an epoch, as if they were killed."""

from tfdyn.training import loop as loops


class Stop(Exception):
    """The training has stopped."""


def stop_after(monkeypatch, when):
    """Makes the training stop before the epoch `when` begins."""
    original = loops.TrainingLoop._epoch

    def epoch(self, train_step, stage, epoch, stage_epoch):
        if epoch == when:
            raise Stop
        original(self, train_step, stage, epoch, stage_epoch)

    monkeypatch.setattr(loops.TrainingLoop, "_epoch", epoch)

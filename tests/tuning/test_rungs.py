import pytest
from tiny_settings import tiny_dmnn_settings, tiny_instanas_settings, tiny_settings

from tfdyn.errors import UserError
from tfdyn.tuning.rungs import iterations, resources, scaled


def test_a_rung_has_its_share_of_the_epochs_and_whole_schedules():
    settings = tiny_settings(
        pretrain_epochs=18,
        finetune_epochs=9,
        learning_rate_schedule="step",
        learning_rate_steps=(3, 6, 7),
        temperature_decay=0.1,
    )
    rung = scaled(settings, 1 / 3)
    assert (rung.pretrain_epochs, rung.finetune_epochs) == (6, 3)
    assert rung.learning_rate_steps == (1, 2)
    assert rung.temperature_decay == pytest.approx(0.3)
    assert scaled(settings, 1) == settings
    decay = tiny_settings(learning_rate_schedule="exponential", pretrain_epochs=9)
    assert scaled(decay, 1 / 3).learning_rate_decay == pytest.approx(0.97**3)


def test_each_stage_has_an_epoch_and_a_search_its_turns():
    rung = scaled(tiny_settings(pretrain_epochs=2, finetune_epochs=40), 1 / 9)
    assert (rung.pretrain_epochs, rung.finetune_epochs) == (1, 4)
    assert scaled(tiny_dmnn_settings(finetune_epochs=40), 1 / 9).pretrain_epochs == 0
    instanas = tiny_instanas_settings(pretrain_epochs=20, joint_epochs=40)
    assert [scaled(instanas, share).joint_epochs for share in (1 / 9, 1 / 3)] == [
        10,
        14,
    ]


def test_rungs_follow_from_the_number_of_trials_and_the_epochs():
    settings = tiny_settings(pretrain_epochs=20, finetune_epochs=15)
    assert [resources(settings, trials) for trials in (6, 22, 23)] == [3, 3, 9]
    assert [iterations(3, trials) for trials in (6, 11, 12)] == [1, 1, 2]
    assert resources(settings, 1000) == 9  # The smallest rung has two epochs.
    with pytest.raises(UserError, match="--max_trials=6 at least, and 6 epochs"):
        resources(settings, 5)
    with pytest.raises(UserError, match="got --max_trials=99 and 2 epochs"):
        resources(tiny_settings(), 99)

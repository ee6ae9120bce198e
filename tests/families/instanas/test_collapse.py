"""Collapse is reported once, with what prevents it."""

import io

from tfdyn.families.instanas.collapse import Collapse
from tfdyn.families.settings import Settings
from tfdyn.settings.fields import define_flags


def report(values, stage="meta_graph"):
    output = io.StringIO()
    callback = Collapse(output)
    callback.set_params({"stage": stage})
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"same_architecture": value})
    return output.getvalue()


def test_it_is_reported_once_each_time():
    assert report([0.2, 0.98]) == ""
    assert report([0.2, 0.995, 1.0]).count("collapsed") == 1
    assert report([1.0, 0.5, 1.0]).count("collapsed: 100.0% of pairs") == 2


def test_other_stages_do_not_report_it():
    assert report([1.0], "router") == report([1.0], "finetune") == ""


def test_the_settings_it_names_exist():
    from absl import flags

    values = flags.FlagValues()
    define_flags(Settings, values)
    words = report([1.0]).replace(",", " ").replace("(", " ").replace(")", " ").split()
    named = [word[2:].partition("=")[0] for word in words if word.startswith("--")]
    assert len(named) == 7 and set(named) <= set(values)

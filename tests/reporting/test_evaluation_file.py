import json

import pytest
from reports_content import RESULTS

from tfdyn.errors import UserError
from tfdyn.evaluation import reports
from tfdyn.reporting.evaluation_file import read_evaluation
from tfdyn.runs.run_folder import RunFolder


def test_an_evaluation_has_what_a_report_shows_of_it(tmp_path):
    run, path = RunFolder(tmp_path), tmp_path / "evaluation.json"
    assert read_evaluation(run) is None
    content = reports.evaluation("digits", "model.keras", RESULTS)
    path.write_text(json.dumps(content))
    assert read_evaluation(run) == content
    row = content["routed"][0]
    for changes in (
        {"weights": "other.keras"},
        {"use": {"threshold": 2}},
        {"routed": [{**row, "macs_quantiles": [1, 2]}]},
    ):
        path.write_text(json.dumps(content | changes))
        with pytest.raises(UserError, match="Make it again with `python -m tfdyn.eval"):
            read_evaluation(run)

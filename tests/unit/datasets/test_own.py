"""The settings of data of one's own are checked before any job."""

import pytest

from outofsample.errors import UserError
from outofsample.study.load import load_study
from tests.conftest import ROOT
from tests.unit.own.small_study import COLUMNS


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"files": []}, "at least one file"),
        ({"files": ["a.csv"], "samples": "a.tsv", **COLUMNS}, "either 'files' or 'samples', not both"),
        ({"samples": "a.tsv", "scale": "log"}, "scale must be arcsinh, log1p_counts or none, not 'log'"),
        ({"files": [{"path": "a.fcs", "condition": "x", "obs": {"row": "1"}}]}, "rename 'row' in the obs of 'a.fcs'"),
        ({"files": ["a.csv", "b.h5ad"], **COLUMNS}, "all be of one kind"),
        ({"files": ["a.fcs"]}, "'a.fcs' needs a condition: {path: a.fcs, condition: before"),
        ({"files": ["a.csv"], "condition_column": "day"}, "name the column that holds it in 'domain_column'"),
        ({"files": [{"path": "a.fcs", "conditon": "x"}]}, "did you mean 'condition'"),
        ({"files": [{"condition": "x"}]}, "needs a 'path'"),
        ({"files": ["../a.csv"], **COLUMNS}, "within the dataset's folder"),
        ({"files": ["/a.csv"], **COLUMNS}, "within the dataset's folder"),
        ({"files": ["a/../../b.csv"], **COLUMNS}, "within the dataset's folder"),
        ({"files": ["extrapolated.csv/a.csv"], **COLUMNS}, "the results have a file of this name"),
        ({"files": ["sub/extrapolated.csv"], **COLUMNS}, "the results have a file of this name"),
        ({"files": ["a.csv"], "scale": "log", **COLUMNS}, "scale must be arcsinh, log1p_counts or none, not 'log'"),
        ({"files": ["a.csv"], "cofactor": 0, **COLUMNS}, "cofactor must be above 0"),
    ],
)
def test_wrong_settings_are_told_before_any_job(settings, words):
    study = {
        "study": "mine",
        "datasets": {"mine": {"uses": "own", **settings}},
        "tasks": {"t": {"dataset": "mine", "queries": [{"domain": "patient", "source": "before", "target": "after"}]}},
        "methods": {"no_change": {}},
    }
    with pytest.raises(UserError) as caught:
        load_study(study, ROOT)
    assert words in str(caught.value)

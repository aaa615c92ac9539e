"""Studies that the tests of this folder change."""

import pytest

from outofsample.errors import UserError
from outofsample.study.load import load_study
from tests.conftest import ROOT

LEAVE_OUT = {
    "dataset": "dengue",
    "leave_one_out": "domain",
    "domains": ["control", "sample 1"],
    "source": "batch1",
    "targets": ["batch2"],
}


def minimal(**changes) -> dict:
    study = {
        "study": "mine",
        "datasets": {"dengue": {}},
        "tasks": {
            "dengue": {
                "dataset": "dengue",
                "queries": [{"domain": "sample1", "source": "batch1", "target": "batch2"}],
            }
        },
        "methods": {"neuron_editing": {}, "no_change": {}},
    }
    return {**study, **changes}


def problems(values: dict) -> str:
    with pytest.raises(UserError) as error:
        load_study(values, ROOT, "my.yaml")
    return str(error.value)

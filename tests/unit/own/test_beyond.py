"""Values beyond twice the range of the training cells: counted by feature, and told on the page."""

from dataclasses import replace

import numpy as np

from outofsample.arrays import Prediction
from outofsample.metrics.extrapolation import limits_of
from outofsample.own import changes
from tests.unit.own import test_changes
from tests.unit.own.test_changes import change, report, run, write_table


def test_values_beyond_twice_the_range_are_counted_by_feature():
    training = np.concatenate([change().cells[name] for name in ("source", "target", "query")])
    limits = limits_of(training)
    bounded = replace(change(), limits=limits)
    assert not bounded.beyond.any() and not changes.feature_table(bounded)["share_beyond"].any()
    exploding = change().cells["prediction"].copy()
    exploding[:30, 1] = limits.high[1] + 1
    exploding[20:60, 2] = limits.low[2] - 1
    found = replace(change(prediction=exploding), limits=limits)
    table = changes.feature_table(found).set_index("feature")
    assert table["share_beyond"].to_dict() == {"CD3": 0, "CD4": 30 / 600, "CD19": 40 / 600}
    assert found.beyond.any(axis=1).sum() == 60


def test_the_page_says_how_far_a_method_explodes(tmp_path, monkeypatch):
    """Every cell of both queries is thrown out in two features of three."""
    thrown = np.float32([900, 0, -900])
    monkeypatch.setattr(test_changes, "replace_x", lambda prediction, _: Prediction(prediction.X + thrown))
    write_table(tmp_path / "mine")
    _, found = run(tmp_path, method="no_change")
    page, table, _ = report(tmp_path, found)
    assert page.text.count("values in 2 of 3 features and 120 of the cells") == 2
    assert table.groupby("feature")["share_beyond"].max().to_dict() == {"CD3": 1, "CD4": 0, "CD19": 1}

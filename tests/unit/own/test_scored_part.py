"""Of drawn cells with many values a part is predicted for scores and pages; the files that come back hold all."""

import numpy as np
import pandas as pd
import pytest

from outofsample.files.prediction import PredictionFile
from outofsample.files.scores import write_scores
from outofsample.files.task import TrainingRows
from outofsample.jobs.own import ChangesSpec
from outofsample.metrics.evaluation import evaluate
from outofsample.own.page import write_page
from tests.conftest import ROOT
from tests.unit.own.small_cohort import FEATURES, FIT_CELLS, QUERY, prepared, write_cohort

#: Of 90 drawn cells of each population.
SCORED = 30
METHODS = {"quantile_mapping": {}}


@pytest.fixture
def parts(folder, tmp_path, monkeypatch):
    """The jobs of a cohort whose drawn cells are all scored, and of one with a part of them."""
    settings = write_cohort(folder, "h5ad")
    for name in ("all", "part"):
        (tmp_path / name).mkdir()
    whole = prepared(folder, tmp_path / "all", METHODS, "identity", **settings)
    monkeypatch.setattr("outofsample.files.shares.SCORED_VALUES", SCORED * len(FEATURES))
    monkeypatch.setattr("outofsample.files.shares.LEAST", 2)
    return whole, prepared(folder, tmp_path / "part", METHODS, "identity", **settings)


def test_the_scored_cells_have_the_bits_that_they_have_among_all(parts):
    found = [PredictionFile(cohort.predictions["quantile_mapping"]).part(QUERY.name, 0) for cohort in parts]
    whole, part = (pd.DataFrame(one.X, index=one.cells) for one in found)
    assert len(whole) == FIT_CELLS and len(part) == SCORED
    np.testing.assert_array_equal(whole.loc[part.index], part)
    rows = TrainingRows(parts[1].train)
    scored = rows.obs.iloc[rows.scored]
    assert list(part.index) == list(scored.index[scored["role"] == "query"])
    assert len(rows.obs) == 3 * FIT_CELLS and len(scored) == 3 * SCORED
    source = PredictionFile(parts[1].predictions["quantile_mapping"])
    kept = source.column("cell")[source.column("role") == "source"]
    assert len(kept) == 10 and set(kept) <= set(scored.index[scored["role"] == "source"])


def test_scores_and_page_rest_on_them_and_say_so(parts, tmp_path):
    cohort = parts[1]
    prediction, truth = cohort.predictions["quantile_mapping"], cohort.train.with_name("truth.h5ad")
    rows = evaluate(cohort.train, truth, [prediction])
    assert {row.n_cells for row in rows if row.method == "quantile_mapping"} == {SCORED}
    write_scores(rows, tmp_path / "scores.csv")
    spec = ChangesSpec("mine", "task", "quantile_mapping", "Quantile mapping", "", labels={"quantile_mapping": "Q"})
    template = ROOT / "scripts" / "outofsample" / "own" / "page.html.j2"
    outputs = tmp_path / "page.html", tmp_path / "page.csv"
    write_page(spec, prediction, cohort.train, truth, tmp_path / "scores.csv", [prediction], template, *outputs)
    text = outputs[0].read_text()
    assert f"rest on at most {FIT_CELLS} cells of each population" in text
    assert f"Figures, numbers and scores rest on {3 * SCORED} of the {3 * FIT_CELLS} fitted cells" in text
    table = pd.read_csv(outputs[1]).set_index("feature")
    # What lies outside the source is judged by all its cells.
    cells = TrainingRows(cohort.train)
    source = cells.values(np.flatnonzero(cells.column("role") == "source"))
    query = cells.values(np.array([row for row in cells.scored if cells.column("role")[row] == "query"]))
    outside = ((query < source.min(axis=0)) | (query > source.max(axis=0))).mean(axis=0)
    np.testing.assert_allclose(table["share_outside"][list(cells.features)], outside, rtol=1e-5)

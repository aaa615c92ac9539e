"""The job that predicts files goes on where it was interrupted, and its table says when a file is gone."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.files import fcs
from outofsample.files.fitted_methods import write_correction
from outofsample.files.handed_back import read_handed_back
from outofsample.jobs.own import JoinFilesSpec
from outofsample.jobs.predict import MethodSpec
from outofsample.own import cohort_job
from outofsample.own.cohort_job import predict_files
from outofsample.own.summaries import QUANTILES, join_files
from outofsample.own.write_back import write_back
from tests.conftest import run_script
from tests.unit.own.small_cohort import POPULATIONS, QUERY, prepared, write_cohort


@pytest.fixture
def cohort(folder, tmp_path):
    """A cohort of FCS files, ready to be predicted."""
    return prepared(folder, tmp_path, {"quantile_mapping": {}}, "identity", **write_cohort(folder, "fcs"))


def output_of(tmp_path) -> Path:
    return tmp_path / "study" / "cohort" / "t" / "identity" / "1-4.json"


def test_the_script_writes_the_files_and_what_is_told_of_them(cohort, tmp_path):
    output = output_of(tmp_path)
    paths = (f"--fitted={cohort.fitted}", f"--train={cohort.train}", f"--output={output}")
    done = run_script("predict_files.py", cohort.spec, *paths)
    assert done.returncode == 0, done.stderr
    assert "mine: file 2 of" in done.stdout
    found = read_handed_back(output).methods["quantile_mapping"]
    assert [(one.file, one.cells) for one in found] == [("patient1.fcs", 40), ("patient2.fcs", 380)]
    assert all(Path(one.path).stat().st_size == one.size for one in found)
    assert not output.with_name(".1-4").exists()


def test_an_interrupted_job_goes_on_with_the_next_file(cohort, tmp_path, monkeypatch):
    calls, plain = [], cohort_job.predict_file

    def broken(task, entry, *others):
        calls.append(entry["path"])
        if calls.count("patient2.fcs") == 1:
            raise KeyboardInterrupt
        return plain(task, entry, *others)

    monkeypatch.setattr(cohort_job, "predict_file", broken)
    with pytest.raises(KeyboardInterrupt):
        predict_files(cohort.spec, cohort.fitted, cohort.train, output_of(tmp_path))
    assert not output_of(tmp_path).exists()
    before = (tmp_path / "own" / "quantile_mapping" / QUERY.name / "patient1.fcs").stat().st_mtime_ns
    calls.append("patient2.fcs")
    predict_files(cohort.spec, cohort.fitted, cohort.train, output_of(tmp_path))
    after = (tmp_path / "own" / "quantile_mapping" / QUERY.name / "patient1.fcs").stat().st_mtime_ns
    names = [name for name, *_ in POPULATIONS]
    assert calls == [*(f"{name}.fcs" for name in names), "patient2.fcs", "patient2.fcs"] and before == after
    assert len(read_handed_back(output_of(tmp_path)).methods["quantile_mapping"]) == 2


@pytest.mark.parametrize("change", ["settings", "input", "file gone"])
def test_what_was_noted_holds_only_for_the_same_things(cohort, tmp_path, change, monkeypatch):
    monkeypatch.setattr(cohort_job.shutil, "rmtree", lambda *_, **__: None)
    predict_files(cohort.spec, cohort.fitted, cohort.train, output_of(tmp_path))
    calls, plain = [], cohort_job.predict_file
    monkeypatch.setattr(
        cohort_job,
        "predict_file",
        lambda task, entry, *others: calls.append(entry["path"]) or plain(task, entry, *others),
    )
    spec = cohort.spec
    if change == "settings":
        spec = replace(spec, settings={**spec.settings, "cofactor": 6})
    elif change == "input":
        cohort.originals["patient1.fcs"].touch()
    else:
        (tmp_path / "own" / "quantile_mapping" / QUERY.name / "patient1.fcs").unlink()
    predict_files(spec, cohort.fitted, cohort.train, output_of(tmp_path))
    everything = [f"{name}.fcs" for name, *_ in POPULATIONS]
    assert calls == (everything if change == "settings" else ["patient1.fcs"])


def joined(cohort, tmp_path) -> pd.DataFrame:
    """Return the table of the files that the job has predicted."""
    spec = JoinFilesSpec("quantile_mapping", (str(output_of(tmp_path)),))
    done = run_script("join_files.py", spec, f"--train={cohort.train}", f"--output={tmp_path / 'files.csv'}")
    assert done.returncode == 0, done.stderr
    return pd.read_csv(tmp_path / "files.csv")


def test_the_table_has_quantiles_of_every_feature_in_every_file(cohort, tmp_path):
    predict_files(cohort.spec, cohort.fitted, cohort.train, output_of(tmp_path))
    table = joined(cohort, tmp_path)
    assert len(table) == 6 and table.groupby("file")["cells"].first().to_dict() == {
        "patient1.fcs": 40,
        "patient2.fcs": 380,
    }
    from outofsample.files import fcs

    for word, path in (("before", cohort.originals["patient2.fcs"]), ("after", None)):
        path = path or tmp_path / "own" / "quantile_mapping" / QUERY.name / "patient2.fcs"
        X = np.arcsinh(fcs.read_fcs(path).values / 5)
        found = table[table["file"] == "patient2.fcs"].filter(regex=f"^{word}_").to_numpy()
        np.testing.assert_allclose(found.T, np.quantile(X, QUANTILES, axis=0), rtol=2e-4)


def test_nothing_of_earlier_runs_stands_beside_the_files_of_a_cohort(cohort, tmp_path):
    own = tmp_path / "own"
    data, predictions = cohort.data, cohort.predictions["quantile_mapping"]
    # The study was no cohort yet, another one had a file more, and a query of another name.
    write_back(predictions, cohort.train, data, cohort.originals, own / "quantile_mapping")
    lists = own / "quantile_mapping_extrapolated"
    left = [own / "quantile_mapping" / QUERY.name / "extrapolated.csv"]
    assert left[0].is_file()
    left += [own / "quantile_mapping" / "earlier" / "patient1.fcs", lists / QUERY.name / "patient0.fcs.csv"]
    for path in left[1:]:
        path.parent.mkdir(parents=True)
        path.touch()
    other = own / "mean_shift" / QUERY.name / "patient0.fcs"
    other.parent.mkdir(parents=True)
    other.touch()
    predict_files(cohort.spec, cohort.fitted, cohort.train, output_of(tmp_path))
    spec = JoinFilesSpec("quantile_mapping", (str(output_of(tmp_path)),))
    said = join_files(spec, cohort.train, own / "quantile_mapping_files.csv")
    assert said == "quantile_mapping: 2 files with 420 cells; 3 files of earlier runs are removed"
    assert not any(path.exists() for path in left) and not left[1].parent.exists()
    found = [path.relative_to(own).as_posix() for path in own.rglob("*") if path.is_file()]
    files = [f"quantile_mapping/{QUERY.name}/patient{number}.fcs" for number in (1, 2)]
    listed = [f"quantile_mapping_extrapolated/{QUERY.name}/patient{number}.fcs.csv" for number in (1, 2)]
    # What is of another method is left alone.
    assert sorted(found) == sorted(
        [*files, *listed, "quantile_mapping_files.csv", f"mean_shift/{QUERY.name}/patient0.fcs"]
    )
    assert join_files(spec, cohort.train, own / "quantile_mapping_files.csv").endswith("420 cells")


def test_a_file_that_is_gone_is_told(cohort, tmp_path):
    predict_files(cohort.spec, cohort.fitted, cohort.train, output_of(tmp_path))
    gone = tmp_path / "own" / "quantile_mapping" / QUERY.name / "patient2.fcs"
    gone.unlink()
    spec = JoinFilesSpec("quantile_mapping", (str(output_of(tmp_path)),))
    with pytest.raises(UserError, match=rf"{re.escape(str(gone))}: .*--forcerun predict_files"):
        join_files(spec, cohort.train, tmp_path / "files.csv")
    with pytest.raises(UserError, match="420 cells of 'patients' in 'before' were given, and 0 were predicted"):
        join_files(JoinFilesSpec("quantile_mapping", ()), cohort.train, tmp_path / "files.csv")


def corrected_cohort(folder, tmp_path, state):
    """Return a cohort with limma in place of another method, of which this was kept."""
    cohort = prepared(folder, tmp_path, {"no_change": {}}, None, **write_cohort(folder, "fcs"))
    kept = tmp_path / "none_limma.json"
    write_correction(kept, "limma", state)
    return replace(cohort, fitted=kept, spec=replace(cohort.spec, methods=(MethodSpec("limma", "limma"),)))


def test_further_cells_are_corrected_without_r(folder, tmp_path):
    """What R fitted is a scale and a shift for each feature; the job that applies them needs no R."""
    scale, shift = [1.0, 2.0, 1.0], [0.5, 0.0, -0.25]
    state = {"features": ["CD4", "CD19", "CD8"], "image_shape": None, "model": None}
    state |= {"queries": [[QUERY.name, QUERY.domain, QUERY.source, QUERY.target]]}
    cohort = corrected_cohort(folder, tmp_path, {**state, "method": {"hops": {QUERY.name: [[scale, shift]]}}})
    predict_files(cohort.spec, cohort.fitted, cohort.train, output_of(tmp_path))
    for one in read_handed_back(output_of(tmp_path)).methods["limma"]:
        before, after = (np.arcsinh(fcs.read_fcs(path).values / 5) for path in (folder / one.file, Path(one.path)))
        np.testing.assert_allclose(after, before * scale + shift, rtol=1e-4, atol=1e-4)
    assert "2 files with 420 cells" in join_files(
        JoinFilesSpec("limma", (str(output_of(tmp_path)),)), cohort.train, tmp_path / "table.csv"
    )


def test_where_r_is_missing_no_files_are_written_and_the_table_says_so(folder, tmp_path):
    cohort = corrected_cohort(folder, tmp_path, None)
    predict_files(cohort.spec, cohort.fitted, cohort.train, output_of(tmp_path))
    found = read_handed_back(output_of(tmp_path))
    assert found.not_run == ["limma"] and found.methods == {"limma": []}
    said = join_files(JoinFilesSpec("limma", (str(output_of(tmp_path)),)), cohort.train, tmp_path / "table.csv")
    assert said == "limma: it did not run; what is there is of an earlier run"
    assert len(pd.read_csv(tmp_path / "table.csv")) == 0
    assert not (tmp_path / "own" / "limma").exists()

"""Files of a cohort are predicted in pieces, with the bits of the drawn cells, and come back in their own format."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from outofsample.errors import UserError
from outofsample.files import fcs, fcs_data, fcs_text
from outofsample.files.prediction import PredictionFile
from outofsample.files.task import TrainingRows
from outofsample.methods.families.blocks import BLOCK
from outofsample.methods.families.chain import predict_in_blocks
from outofsample.own import file_by_file
from outofsample.own.file_by_file import FittedTask, predict_file
from outofsample.own.scales import to_file_scale
from outofsample.own.write_back import write_back
from tests.unit.files.killed_writer import kill_a_writer
from tests.unit.own.small_cohort import FEATURES, FIT_CELLS, POPULATIONS, QUERY, prepared, write_cohort
from tests.unit.own.small_study import needs_parquet

KINDS = ["fcs", "h5ad", "table", pytest.param("parquet", marks=needs_parquet)]


def predicted(cohort, folder, **options) -> dict:
    """Predict all files into a folder; return what is told of them by method and file."""
    task, settings = FittedTask(cohort.spec, cohort.fitted, cohort.train), cohort.data.settings
    found = {}
    for entry in settings.files:
        numbers = predict_file(task, entry, cohort.originals[entry["path"]], settings, folder, **options)
        found |= {(name, one.file): one for name, of_method in numbers.items() for one in of_method}
    return found


def content(path) -> np.ndarray:
    """Return the predicted values (cells, features) of a file that was written."""
    if path.suffix == ".fcs":
        return fcs.read_fcs(path).values
    if path.suffix == ".h5ad":
        layer = anndata.read_h5ad(path).layers["prediction"]
        return layer.toarray() if hasattr(layer, "toarray") else layer
    table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    return table[list(FEATURES)].to_numpy(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("method", "model"), [("quantile_mapping", "identity"), ("pca_editing", "pca")])
def test_drawn_cells_come_out_the_same_in_their_file(folder, tmp_path, kind, method, model):
    cohort = prepared(folder, tmp_path, {method: {}}, model, **write_cohort(folder, kind))
    told = predicted(cohort, tmp_path / "own")
    cells, drawn = TrainingRows(cohort.train).obs, PredictionFile(cohort.predictions[method])
    part = drawn.part(QUERY.name, 0)
    assert len(part.cells) == FIT_CELLS
    assert sum(one.cells for one in told.values()) == sum(size for *_, size in POPULATIONS[2:])
    checked = 0
    for (_, file), one in told.items():
        mine = (cells.loc[part.cells, "file"] == file).to_numpy()
        rows = cells.loc[part.cells[mine], "row"].to_numpy()
        if kind != "fcs":
            # The file that comes back has the cells of the query alone.
            rows = np.searchsorted(query_rows(cohort, file), rows)
        wanted = to_file_scale(part.X[mine], cohort.data.settings)
        order = [drawn.features.index(name) for name in FEATURES] if kind == "fcs" else slice(None)
        np.testing.assert_array_equal(content(tmp_path / one.path)[rows], wanted[:, order])
        checked += len(rows)
    assert checked == FIT_CELLS


def query_rows(cohort, file) -> np.ndarray:
    """Return the rows of a table that are cells of the query."""
    path = cohort.originals[file]
    readers = {".h5ad": lambda path: anndata.read_h5ad(path).obs, ".csv": pd.read_csv, ".parquet": pd.read_parquet}
    table = readers[path.suffix](path)
    return np.flatnonzero((table["person"] == QUERY.domain) & (table["day"] == QUERY.source))


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_of_any_number_of_blocks_give_the_same_files(folder, tmp_path, kind, monkeypatch):
    monkeypatch.setattr("outofsample.methods.families.blocks.BLOCK", 32)
    cohort = prepared(folder, tmp_path, {"pca_editing": {}}, "pca", **write_cohort(folder, kind))
    told = {cells: predicted(cohort, tmp_path / str(cells), cells=cells) for cells in (32, 96, 1000)}
    for key, one in told[1000].items():
        assert one.cells and all(told[cells][key].cells == one.cells for cells in told)
        assert told[32][key].before == told[96][key].before == one.before
        for cells in (32, 96):
            np.testing.assert_array_equal(content_of(told[cells][key]), content_of(one))


def test_of_many_features_fewer_cells_are_read_at_a_time(folder, tmp_path, monkeypatch):
    assert file_by_file.SMALL_PIECE % BLOCK == 0 and file_by_file.SMALL_PIECE < file_by_file.PIECE
    cohort = prepared(folder, tmp_path, {"no_change": {}}, None, **write_cohort(folder, "fcs"))
    asked, read = [], file_by_file.PIECES["fcs"]

    def counted(path, entry, columns, settings, cells):
        asked.append(cells)
        return read(path, entry, columns, settings, cells)

    monkeypatch.setitem(file_by_file.PIECES, "fcs", counted)
    predicted(cohort, tmp_path / "own")
    assert set(asked) == {file_by_file.PIECE}
    monkeypatch.setattr(file_by_file, "MANY_FEATURES", 2)
    predicted(cohort, tmp_path / "own")
    assert set(asked) == {file_by_file.PIECE, file_by_file.SMALL_PIECE}


def content_of(one) -> np.ndarray:
    from pathlib import Path

    return content(Path(one.path))


@pytest.mark.parametrize("kind", KINDS)
def test_where_nothing_is_drawn_the_files_are_those_of_a_small_study(folder, tmp_path, kind):
    cohort = prepared(
        folder, tmp_path, {"quantile_mapping": {}}, "identity", fit_cells=1000, **write_cohort(folder, kind)
    )
    files = {
        p.name: p
        for p in write_back(
            cohort.predictions["quantile_mapping"], cohort.train, cohort.data, cohort.originals, tmp_path / "small"
        )
    }
    told = predicted(cohort, tmp_path / "own")
    assert {file for _, file in told} == set(files)
    for (_, file), one in told.items():
        path = tmp_path / one.path
        np.testing.assert_array_equal(content(path), content(files[file]))
        if kind == "h5ad":
            assert_same_annotation(anndata.read_h5ad(path), anndata.read_h5ad(files[file]))
        elif kind != "parquet":
            assert path.read_bytes() == files[file].read_bytes()


def assert_same_annotation(one: anndata.AnnData, two: anndata.AnnData) -> None:
    """Check that all but the predicted layer is the same."""
    pd.testing.assert_frame_equal(one.obs, two.obs)
    pd.testing.assert_frame_equal(one.var, two.var)
    pd.testing.assert_frame_equal(one.raw.var, two.raw.var)
    assert one.uns == two.uns and set(one.layers) == set(two.layers) == {"other", "prediction"}
    for name in ("X", "raw.X"):
        first, second = (adata.raw.X if name == "raw.X" else adata.X for adata in (one, two))
        np.testing.assert_array_equal(first.toarray(), second.toarray())
    np.testing.assert_array_equal(one.layers["other"].toarray(), two.layers["other"].toarray())
    np.testing.assert_array_equal(one.obsm["X_pca"], two.obsm["X_pca"])


def test_counts_keep_the_size_of_their_cell_and_stay_sparse(folder, tmp_path):
    settings = {**write_cohort(folder, "h5ad", counts=True), "scale": "log1p_counts"}
    cohort = prepared(folder, tmp_path, {"no_change": {}}, None, **settings)
    for one in predicted(cohort, tmp_path / "own").values():
        adata = anndata.read_h5ad(tmp_path / one.path)
        assert adata.layers["prediction"].format == "csr"
        np.testing.assert_allclose(adata.layers["prediction"].toarray(), adata.X.toarray(), rtol=1e-5)


def test_extrapolated_cells_are_listed_by_their_row(folder, tmp_path):
    cohort = prepared(folder, tmp_path, {"quantile_mapping": {}}, "identity", **write_cohort(folder, "fcs"))
    told = predicted(cohort, tmp_path / "own")
    train = TrainingRows(cohort.train)
    source = train.values(np.flatnonzero(train.column("role") == "source"))
    for (method, file), one in told.items():
        listed = pd.read_csv(tmp_path / "own" / f"{method}_extrapolated" / QUERY.name / f"{file}.csv")
        X = np.arcsinh(fcs.read_fcs(cohort.originals[file]).values / np.float32(5))
        outside = ((source.min(axis=0) > X) | (source.max(axis=0) < X)).mean(axis=1)
        assert listed["row"].tolist() == np.flatnonzero(outside > 0.1).tolist() and len(listed) == one.extrapolated
        np.testing.assert_allclose(listed["share_outside"], outside[outside > 0.1], rtol=1e-3)


def test_each_file_comes_back_with_its_own_channels(folder, tmp_path):
    files = write_cohort(folder, "fcs")
    large = fcs.read_fcs(folder / "patient2.fcs").values
    # The same markers in another order and on another metal, and channels that no other file has.
    stored = np.column_stack([np.arange(380) + 0.25, large[:, 2], large[:, 0], -large[:, 1], large[:, 1]])
    channels = ("Time", "Nd142Di", "Sm149Di", "Eu151Di", "Nd141Di")
    fcs.write_fcs(folder / "patient2.fcs", stored, channels, ("", "CD8", "149Sm_CD4", "CD3", "CD19"))
    method, names = {"quantile_mapping": {}}, ["CD4", "CD8"]
    cohort = prepared(folder, tmp_path, method, "identity", features=names, **files)
    told = predicted(cohort, tmp_path / "own")
    assert {file: one.cells for (_, file), one in told.items()} == {"patient1.fcs": 40, "patient2.fcs": 380}
    changed = {"patient1.fcs": [0, 2], "patient2.fcs": [2, 1]}
    task = FittedTask(cohort.spec, cohort.fitted, cohort.train)
    for (_, file), one in told.items():
        before, after = (data_of(path) for path in (folder / file, tmp_path / one.path))
        kept = [name for name in before.dtype.names if int(name) not in changed[file]]
        assert len(kept) == len(before.dtype.names) - 2
        assert all(after[name].tobytes() == before[name].tobytes() for name in kept)
        read = fcs.read_fcs(folder / file)
        X = np.arcsinh(read.values[:, changed[file]] / 5)
        wanted = to_file_scale(
            predict_in_blocks(task.methods["quantile_mapping"])(X, QUERY, None).X, cohort.data.settings
        )
        assert np.array_equal(np.column_stack([after[str(column)] for column in changed[file]]), wanted)
        assert not np.array_equal(wanted, read.values[:, changed[file]])
        copy = fcs.read_fcs(tmp_path / one.path)
        assert (copy.channels, copy.labels) == (read.channels, read.labels)


def data_of(path) -> np.ndarray:
    """Return the stored values (cells,) of an FCS file with a field per channel."""
    text = fcs_text.read_text(path)
    return fcs_data.decode(text, fcs_data.channels_of(text))


def test_a_value_that_is_not_finite_leaves_nothing_of_its_file(folder, tmp_path):
    cohort = prepared(folder, tmp_path, {"no_change": {}}, None, **write_cohort(folder, "table"))
    path = folder / "part1.csv"
    table = pd.read_csv(path)
    table.loc[len(table) - 1, "CD19"] = np.nan
    table.to_csv(path, index=False)
    entry = cohort.data.settings.files[1]
    task = FittedTask(cohort.spec, cohort.fitted, cohort.train)
    with pytest.raises(UserError, match=rf"part1\.csv: .*'CD19' of cell {len(table)}"):
        predict_file(task, entry, path, cohort.data.settings, tmp_path / "own", cells=32)
    assert not [found for found in (tmp_path / "own").rglob("*") if found.is_file()]


def test_values_of_other_files_are_refused_here_too(folder, tmp_path):
    cohort = prepared(folder, tmp_path, {"no_change": {}}, None, **write_cohort(folder, "h5ad"))
    with h5py.File(folder / "secret.h5", "w") as secret, h5py.File(folder / "part0.h5ad", "a") as file:
        secret["values"] = np.ones((450, 3))
        file["obsm/hidden"] = h5py.ExternalLink("secret.h5", "values")
    with pytest.raises(UserError, match=r"part0\.h5ad: '/obsm/hidden' is an external link"):
        predicted(cohort, tmp_path / "own")
    assert not (tmp_path / "own").exists()


def test_what_a_killed_job_left_is_removed(folder, tmp_path):
    cohort = prepared(folder, tmp_path, {"no_change": {}}, None, **write_cohort(folder, "fcs"))
    place = tmp_path / "own" / "no_change" / QUERY.name
    kill_a_writer(place / "patient1.fcs")
    assert len(list(place.iterdir())) == 1
    predicted(cohort, tmp_path / "own")
    assert sorted(path.name for path in place.iterdir()) == ["patient1.fcs", "patient2.fcs"]


def test_every_format_is_read_and_written_in_pieces():
    from outofsample.datasets.own import READERS

    assert set(file_by_file.PIECES) == set(file_by_file.STREAMS) == set(READERS)

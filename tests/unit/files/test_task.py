"""The two parts of a task: what is written is read, by every reader, and other files are refused."""

from dataclasses import fields

import anndata
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from outofsample.errors import UserError
from outofsample.files.task import TrainingRows, read_task, read_training, read_truth, to_training, write_task
from outofsample.files.writing import sealed
from outofsample.study.split import split_dataset
from tests.unit.study.test_split import SPLIT, dataset


@pytest.fixture
def paths(tmp_path):
    """Training part and truth of a task whose cells have pairs."""
    adata = dataset()
    adata.obs["pair_id"] = [None, *(f"p{number}" for number in range(1, adata.n_obs))]
    write_task(tmp_path / "train.h5ad", tmp_path / "truth.h5ad", split_dataset(adata, SPLIT))
    return tmp_path / "train.h5ad", tmp_path / "truth.h5ad"


@pytest.mark.parametrize("kind", ["dense", "sparse counts", "images"])
def test_the_written_training_part_is_read_as_it_was(kind, tmp_path):
    adata = dataset()
    if kind == "sparse counts":
        adata.X = csr_matrix(np.round(np.abs(adata.X)))
        adata.layers["counts"] = adata.X.copy()
    if kind == "images":
        adata.X = np.arange(adata.X.size, dtype=np.uint8).reshape(adata.X.shape)
        adata.uns["image_shape"] = [1, 3, 1]
    train, _ = split_dataset(adata, SPLIT)
    train.write_h5ad(tmp_path / "train.h5ad")
    read, meant = read_training(tmp_path / "train.h5ad"), to_training(train)
    assert read.image_shape == ((1, 3, 1) if kind == "images" else None)
    assert (read.counts is not None) == (kind == "sparse counts")
    assert read_training(tmp_path / "train.h5ad", counts=False).counts is None
    for name in (field.name for field in fields(meant)):
        one, other = getattr(read, name), getattr(meant, name)
        assert type(one) is type(other)
        if isinstance(one, np.ndarray):
            assert one.dtype == other.dtype
        np.testing.assert_equal(one, other)


def test_both_parts_are_read_as_they_were_written(paths):
    adata, truth = (anndata.read_h5ad(path) for path in paths)
    cells, data, pairs = read_task(paths[0])
    assert cells.task == "task" and data.queries == SPLIT.queries
    np.testing.assert_array_equal(data.X, adata.X)
    assert pairs[0] == "" and pairs[1:].tolist() == adata.obs["pair_id"].tolist()[1:]
    rows = TrainingRows(paths[0])
    assert (rows.task, rows.queries) == ("task", data.queries)
    np.testing.assert_array_equal(rows.values(np.array([3, 2])), adata.X[[3, 2]])
    found = read_truth(paths[1], data)
    assert list(found) == ["one", "two"]
    for query, of_query in found.items():
        part = truth[truth.obs["query"] == query]
        np.testing.assert_array_equal(of_query.X, part.X)
        assert of_query.pairs.tolist() == part.obs["pair_id"].tolist()


def test_scores_and_pages_read_the_scored_cells_alone(paths):
    adata = anndata.read_h5ad(paths[0])
    adata.obs["scored"] = np.arange(adata.n_obs) % 3 > 0
    rewrite(adata, paths[0])
    scored = adata[adata.obs["scored"]]
    cells, data, pairs = read_task(paths[0])
    np.testing.assert_array_equal(data.X, scored.X)
    assert list(data.names) == list(scored.obs_names) and list(data.role) == list(scored.obs["role"])
    assert pairs.tolist() == ["" if name is None else name for name in scored.obs["pair_id"].astype(object)]
    assert data.queries == SPLIT.queries and data.features == tuple(adata.var_names)
    # What lies outside is judged by all cells.
    ends = cells.ends_of_all(data)
    np.testing.assert_array_equal([ends.min(axis=0), ends.max(axis=0)], [adata.X.min(axis=0), adata.X.max(axis=0)])
    source = adata[(adata.obs["role"] == "source") & (adata.obs["condition"] == "before")].X
    np.testing.assert_array_equal(cells.ends_of_source(SPLIT.queries[0]), [source.min(axis=0), source.max(axis=0)])
    # A fit sees all cells, and knows which of them are scored.
    read = read_training(paths[0])
    np.testing.assert_array_equal(read.X, adata.X)
    assert read.scored.tolist() == adata.obs["scored"].tolist()
    assert read.take(np.array([0, 1])).scored.tolist() == [False, True]


def rewrite(adata, path):
    """Write a file with its seal, as if it had been written so."""
    with sealed(path) as temporary:
        adata.write_h5ad(temporary)


def test_a_query_that_nobody_measured_has_no_truth(paths):
    truth = anndata.read_h5ad(paths[1])
    rewrite(truth[truth.obs["query"] == "two"].copy(), paths[1])
    assert list(read_truth(paths[1], read_training(paths[0]))) == ["two"]


def test_other_files_are_refused(paths):
    train, truth = paths
    data = read_training(train)
    with pytest.raises(UserError, match=r"truth\.h5ad: this is no training file of a task"):
        read_training(truth)
    with pytest.raises(UserError, match=r"truth\.h5ad: obs has no column 'role'"):
        read_task(truth)
    with pytest.raises(UserError, match=r"train\.h5ad: obs has no column 'query'"):
        read_truth(train, data)
    adata = anndata.read_h5ad(truth)
    rewrite(adata[:, ::-1].copy(), truth)
    with pytest.raises(UserError, match=r"truth\.h5ad: the features are not those of the training file"):
        read_truth(truth, data)
    adata = anndata.read_h5ad(train)
    adata.X[0, 0] = np.inf
    rewrite(adata, train)
    with pytest.raises(UserError, match=r"train\.h5ad: 1 values in 1 rows are not finite"):
        read_task(train)
    del adata.uns["queries"]
    rewrite(adata, train)
    with pytest.raises(UserError, match=r"train\.h5ad: this is no training file of a task \(uns has no 'queries'\)"):
        TrainingRows(train)


def test_half_a_task_is_never_left(tmp_path):
    class Broken:
        def write_h5ad(self, path, **_):
            raise ValueError("broken")

    train, _ = split_dataset(dataset(), SPLIT)
    with pytest.raises(ValueError, match="broken"):
        write_task(tmp_path / "train.h5ad", tmp_path / "truth.h5ad", (train, Broken()))
    assert not list(tmp_path.iterdir())

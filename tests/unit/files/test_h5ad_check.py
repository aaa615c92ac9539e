"""An h5ad of unknown origin: nothing outside of it is read, nothing that it has not is promised, no index leads out."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from outofsample.errors import UserError
from outofsample.files import limits
from outofsample.files.h5ad_check import check_h5ad, read_anndata

SECRET = np.arange(40, dtype=np.float32).reshape(8, 5)


def write(path, X=None):
    X = csr_matrix(np.eye(8, 5, dtype=np.float32)) if X is None else X
    names = [pd.DataFrame(index=[f"{word}{n}" for n in range(size)]) for word, size in zip("cg", X.shape, strict=True)]
    anndata.AnnData(X, obs=names[0], var=names[1], layers={"dense": np.zeros(X.shape)}, uns={"a": {"b": 1}}).write_h5ad(
        path
    )
    return path


@pytest.mark.parametrize("form", [np.asarray, csr_matrix, csc_matrix])
def test_whole_files_are_read_as_by_anndata(tmp_path, form):
    path = write(tmp_path / "a.h5ad", form(np.eye(8, 5, dtype=np.float32)))
    found = read_anndata(path)
    assert found.shape == (8, 5) and found.X.sum() == 5 and found.uns["a"]["b"] == 1


def elsewhere(path, kind, name):
    """Put what another file holds in the place of a part of an h5ad."""
    (path.parent / "secret.raw").write_bytes(SECRET.tobytes())
    with h5py.File(path.parent / "secret.h5", "w") as file:
        file["values"] = SECRET
    with h5py.File(path, "a") as file:
        if name in file:
            del file[name]
        if kind == "external storage":
            file.create_dataset(
                name, SECRET.shape, "f4", external=[(str(path.parent / "secret.raw"), 0, SECRET.nbytes)]
            )
        elif kind == "virtual dataset":
            layout = h5py.VirtualLayout(SECRET.shape, "f4")
            layout[:] = h5py.VirtualSource(path.parent / "secret.h5", "values", SECRET.shape)
            file.create_virtual_dataset(name, layout)
        else:
            file["hidden"] = h5py.ExternalLink("secret.h5", "values")
            if kind == "soft link":
                file.move("hidden", "uns/hidden")
                file[name] = h5py.SoftLink("/uns/hidden")
            else:
                file.move("hidden", name)


@pytest.mark.parametrize("name", ["X", "layers/dense", "uns/a/deep", "obs/column"])
@pytest.mark.parametrize("kind", ["external storage", "virtual dataset", "external link", "soft link"])
def test_values_of_other_files_are_refused_by_name(tmp_path, kind, name):
    path = write(tmp_path / "a.h5ad")
    elsewhere(path, kind, name)
    place, word = ("uns/hidden", "external link") if kind == "soft link" else (name, kind)
    with pytest.raises(
        UserError, match=rf"a\.h5ad: '/{place}' is an? .*{word} .*secret.*values outside of the file are"
    ):
        check_h5ad(path)


def test_links_within_the_file_and_circles_are_no_way_out(tmp_path):
    path = write(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file["layers/again"] = h5py.SoftLink("/layers/dense")
        file["uns/circle"] = file["uns"]
        file["uns/nowhere"] = h5py.SoftLink("/not/there")
    check_h5ad(path)


def changed(path, **parts):
    with h5py.File(path, "a") as file:
        for name, values in parts.items():
            if name == "shape":
                file["X"].attrs["shape"] = values
                continue
            del file["X"][name]
            file["X"][name] = values


@pytest.mark.parametrize("form", [csr_matrix, csc_matrix])
@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"indices": np.array([0, 1, 2, 3, 2**31 - 1], np.int32)}, "an index is 2,147,483,647"),
        ({"indices": np.array([0, 1, -5, 3, 4], np.int32)}, "an index is -5"),
        ({"indices": np.arange(4)}, "do not go together"),
        ({"data": np.ones(3, np.float32)}, "do not go together"),
        ({"shape": (10**12, 5)}, "do not go together"),
        ({"indptr": np.array([0, 9, 2])}, "indptr does not begin at 0 and rise"),
        ({"indptr": np.array([3, 3, 3])}, "indptr does not begin at 0 and rise"),
        ({"indptr": np.array([0, 2**62])}, "do not go together"),
    ],
)
def test_sparse_matrices_that_are_none(tmp_path, form, parts, words):
    path = write(tmp_path / "a.h5ad", form(np.eye(8, 5, dtype=np.float32)))
    changed(path, **parts)
    if form is csc_matrix and "shape" in parts:
        changed(path, shape=(5, 10**12))
    with pytest.raises(UserError, match=rf"a\.h5ad: the sparse matrix '/X' is damaged \(.*{words}"):
        check_h5ad(path)


def test_a_sparse_matrix_without_a_part(tmp_path):
    path = write(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        del file["X/indptr"]
    with pytest.raises(UserError, match=r"'/X' is damaged \(it has no indptr\)"):
        check_h5ad(path)


def test_old_sparse_matrices_are_looked_at_too(tmp_path):
    path = write(tmp_path / "a.h5ad")
    changed(path, indices=np.array([0, 1, 2, 3, 99]))
    with h5py.File(path, "a") as file:
        del file["X"].attrs["encoding-type"]
        file["X"].attrs.update({"h5sparse_format": "csr", "h5sparse_shape": (8, 5)})
    with pytest.raises(UserError, match="an index is 99"):
        check_h5ad(path)


@pytest.mark.parametrize(
    "options",
    [
        {"shape": (10_000_000, 1_000_000), "chunks": (1000, 1000)},
        {"shape": (5,), "dtype": "S500000000", "chunks": (1,), "compression": "gzip"},
        # A chunk is unpacked as a whole, also for ten values.
        {"shape": (10,), "maxshape": (None,), "chunks": (100_000_000,), "compression": "gzip"},
    ],
)
def test_shapes_that_the_file_has_nothing_for(tmp_path, options):
    path = write(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file.create_dataset("layers/bomb", **{"dtype": "f8", **options})
    with pytest.raises(UserError, match=r"a\.h5ad: this file of .* kB would unpack to .* at most 100 times its size"):
        check_h5ad(path)


def test_what_compresses_well_is_read(tmp_path, monkeypatch):
    path = write(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file.create_dataset("layers/zeros", data=np.zeros((8, 5000)), compression="gzip")
    monkeypatch.setattr(limits, "SMALL", 0)
    check_h5ad(path)

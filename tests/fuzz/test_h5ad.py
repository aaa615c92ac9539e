"""h5ad: dense and sparse, with labels of any type, damaged in their bytes and in their parts."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csc_matrix, csr_matrix

from outofsample import registry
from outofsample.own.predicted import Predicted
from outofsample.own.writers.h5ad import write
from tests.fuzz.bed import bounded, examples

COLUMNS = {"condition_column": "day", "domain_column": "person"}
FORMS = {"dense": np.asarray, "csr": csr_matrix, "csc": csc_matrix}
LABELS = {"words": ["é <b>", "NA"], "whole": [0, 1], "truth": [False, True], "numbers": [1.5, 2.0]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of whole files, by form of the matrix and type of the labels."""
    folder, found = tmp_path_factory.mktemp("whole"), {}
    counts = np.random.default_rng(0).poisson(1, (24, 5)).astype("f4")
    for form, make in FORMS.items():
        for kind, labels in LABELS.items():
            obs = pd.DataFrame({"day": labels * 12, "person": ["a"] * 20 + ["b"] * 4})
            obs.index = [f"c{n}" for n in range(24)]
            adata = anndata.AnnData(make(counts), obs, pd.DataFrame(index=[f"g{n}" for n in range(5)]))
            adata.layers["more"] = counts * 2
            adata.write_h5ad(folder / "a.h5ad")
            found[form, kind] = (folder / "a.h5ad").read_bytes()
    return found


def all_parts(file):
    """Return the names of all parts of a file."""
    names = []
    file.visit(names.append)
    return sorted(names)


def spoil(path, how, number):
    """Change one part of a file, which is still HDF5."""
    with h5py.File(path, "a") as file:
        names = all_parts(file)
        name = names[number % len(names)]
        part = file[name]
        if how == "remove":
            del file[name]
        elif how == "attribute":
            keys = sorted(part.attrs)
            if keys:
                part.attrs[keys[number % len(keys)]] = ["x", 7, (3, 3), "csr_matrix", 1e9][number % 5]
        elif how == "link":
            del file[name]
            file[name] = h5py.ExternalLink("/etc/hostname", "x") if number % 2 else h5py.SoftLink("/nowhere")
        elif isinstance(part, h5py.Dataset) and part.shape:
            values = part[()]
            del file[name]
            if how == "wild" and values.dtype.kind in "iuf":
                values.flat[number % values.size] = np.iinfo("i4").max if values.dtype.kind != "f" else np.nan
            if how == "huge":
                file.create_dataset(name, (10**6, *(10**6 for _ in values.shape[1:])), values.dtype, chunks=True)
            else:
                file[name] = values[: number % (len(values) + 1)] if how == "short" else values
        file.flush()


PLACES = st.integers(0, 10**6)
HARMS = st.one_of(
    st.just(("nothing", 0)),
    st.tuples(st.sampled_from(["remove", "attribute", "link", "wild", "short", "huge"]), PLACES),
    st.tuples(st.sampled_from(["byte", "cut"]), PLACES),
)


def read_and_written(path, out):
    data = registry.create("datasets", "own", {"files": [path.name], **COLUMNS})
    adata = data.load({path.name: path})
    X = adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X
    write(path, out / path.name, Predicted(np.arange(len(X)), X[:, :1] + 1, (adata.var_names[0],), {}), data.settings)
    return adata, X, anndata.read_h5ad(out / path.name)


def by_h5py(path):
    """Return the values and the labels of a file as h5py alone reads them."""
    with h5py.File(path) as file:
        X, day = file["X"], file["obs/day"]
        if isinstance(X, h5py.Group):
            form = {"csr_matrix": csr_matrix, "csc_matrix": csc_matrix}[X.attrs["encoding-type"]]
            X = form(tuple(X[key][:] for key in ("data", "indices", "indptr")), X.attrs["shape"]).toarray()
        values = X[:]
        if isinstance(day, h5py.Group):
            return values, day["categories"].asstr()[:][day["codes"][:]].tolist()
        return values, [str(label) for label in (day.asstr() if day.dtype.kind == "O" else day)[:]]


def test_files(tmp_path, record_property, whole):
    with bounded("h5ad", tmp_path, record_property) as bed:

        @examples("h5ad")
        @given(st.sampled_from(sorted(whole)), st.lists(HARMS, min_size=1, max_size=2))
        def check(which, harms):
            path = bed.fresh() / "a.h5ad"
            path.write_bytes(whole[which])
            for how, number in harms:
                content = path.read_bytes()
                if not content:
                    break
                if how == "byte":
                    place = number % len(content)
                    path.write_bytes(
                        content[:place] + bytes([content[place] ^ (1 << number % 8)]) + content[place + 1 :]
                    )
                elif how == "cut":
                    path.write_bytes(content[: number % len(content)])
                elif how != "nothing":
                    try:
                        spoil(path, how, number)
                    # What is damaged already cannot always be opened for more.
                    except Exception:
                        path.write_bytes(content)
            found = bed.outcome(lambda: read_and_written(path, bed.out))
            if found is not None:
                adata, X, back = found
                values, labels = by_h5py(path)
                np.testing.assert_array_equal(X, values)
                assert adata.obs["condition"].tolist() == labels
                np.testing.assert_array_equal(back.layers["prediction"][:, 0], X[:, 0] + 1)
                np.testing.assert_array_equal(back.layers["prediction"][:, 1:], X[:, 1:])

        check()

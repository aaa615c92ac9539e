"""Files that are written by h5py alone are those that anndata writes."""

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from outofsample.files.h5ad import write_h5ad


def table(rows: int) -> dict[str, np.ndarray]:
    """Return columns of all kinds: words that repeat, words of one row each, numbers."""
    return {
        "role": np.resize(["source", "query", "self", "über"], rows).astype(object),
        "cell": np.array([f"cell {row}" for row in range(rows)], dtype=str),
        "seed": np.arange(rows),
        "outside": np.linspace(0, 1, rows, dtype=np.float32),
    }


def parts(path) -> dict[str, tuple]:
    """Return kind, shape, type, compression, content and attributes of all parts of a file."""
    found = {}

    def note(name, part):
        attributes = {key: np.asarray(value).tolist() for key, value in part.attrs.items()}
        shown = ("group",)
        if isinstance(part, h5py.Dataset):
            content = np.asarray(part[()]).tolist()
            shown = (part.shape, part.dtype, h5py.check_string_dtype(part.dtype), part.compression, content)
        found[name] = (*shown, attributes)

    with h5py.File(path) as file:
        note("", file)
        file.visititems(note)
    return found


@pytest.mark.parametrize("rows", [0, 1, 200])
def test_the_file_is_the_one_that_anndata_writes(rows, tmp_path):
    rng = np.random.default_rng(0)
    X, obs = rng.normal(size=(rows, 3)).astype(np.float32), table(rows)
    obsm = {"latent": rng.normal(size=(rows, 2)).astype(np.float32)}
    uns = {
        "method": "m",
        "empty": "",
        "versions": {},
        "outside": {"a|0": rng.random(4)},
        "image_shape": np.array([1, 3]),
    }
    write_h5ad(tmp_path / "ours.h5ad", X, obs, ["a", "b", "c"], obsm, uns)
    frame = pd.DataFrame(obs, index=np.arange(rows).astype(str)).astype({"role": str, "cell": str})
    adata = anndata.AnnData(X, obs=frame, var=pd.DataFrame(index=["a", "b", "c"]), obsm=obsm, uns=uns)
    adata.write_h5ad(tmp_path / "theirs.h5ad", compression="lzf")
    ours, theirs = (parts(tmp_path / name) for name in ("ours.h5ad", "theirs.h5ad"))
    assert list(ours) == list(theirs)
    assert ours == theirs


def test_more_categories_than_a_byte_holds(tmp_path):
    words = np.resize([f"{number:03}" for number in range(200)], 500)
    write_h5ad(tmp_path / "many.h5ad", np.zeros((500, 1), np.float32), {"word": words}, ["a"], {}, {})
    assert anndata.read_h5ad(tmp_path / "many.h5ad").obs["word"].tolist() == words.tolist()


@pytest.mark.parametrize(
    ("shape", "rows", "message"), [((4, 2), 4, "1 features"), ((4, 1), 3, "'seed' has 3 rows"), ((4,), 4, "shape")]
)
def test_cells_and_features_must_agree(shape, rows, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_h5ad(tmp_path / "bad.h5ad", np.zeros(shape, np.float32), {"seed": np.arange(rows)}, ["a"], {}, {})
    assert not list(tmp_path.iterdir())


def test_a_file_that_fails_is_not_left_half_written(tmp_path):
    with pytest.raises(TypeError):
        write_h5ad(tmp_path / "bad.h5ad", np.zeros((1, 1), np.float32), {}, ["a"], {}, {"what": object()})
    assert not list(tmp_path.iterdir())

"""NeuronEditor: scikit-learn's conventions, the same type out as in, saving, and one clear sentence for bad input."""

import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from outofsample import NeuronEditor
from outofsample.errors import UserError
from outofsample.methods.families import base
from tests.conftest import ROOT, planted

SMALL = {"hidden": (32,), "latent": 8, "epochs": 30, "patience": None, "device": "cpu"}


@pytest.fixture(scope="module")
def cells():
    """Return S, T, X as arrays, and the true answer for X."""
    data, answer = planted(cells=400)
    return *(data.X[data.role == role] for role in ("source", "target", "query")), answer


@pytest.fixture(scope="module")
def fitted(cells):
    return NeuronEditor(**SMALL).fit(*cells[:3])


def as_frame(X, names="abcdef"):
    return pd.DataFrame(X, columns=list(names), index=[f"cell{row}" for row in range(len(X))])


def as_anndata(X, sparse=False):
    frame = as_frame(X)
    obs = pd.DataFrame({"donor": "d1"}, index=frame.index)
    var = pd.DataFrame({"length": range(6)}, index=frame.columns)
    return anndata.AnnData(csr_matrix(X) if sparse else X, obs=obs, var=var, layers={"raw": X}, uns={"kept": 1})


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, outofsample; print({'torch', 'sklearn', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
    with pytest.raises(ImportError, match="NeuronEditors"):
        exec("from outofsample import NeuronEditors")


def test_the_planted_change_is_found(cells, fitted):
    X = cells[2]
    predicted = fitted.transform(X)
    assert predicted.dtype == np.float32 and predicted.shape == X.shape
    change = (predicted - X).mean(axis=0)
    # Every second feature changes by 2; a network of 8 units gets more than half of it.
    assert change[::2].min() > 1 and np.abs(change[1::2]).max() < 0.5
    assert fitted.n_features_in_ == 6 and len(fitted.history_) == 30 and not hasattr(fitted, "feature_names_in_")


def test_the_same_seed_gives_the_same_bits(cells, fitted):
    again = clone(fitted).fit(*cells[:3])
    assert np.array_equal(again.transform(cells[2]), fitted.transform(cells[2]))
    other = clone(fitted).set_params(seed=1).fit(*cells[:3])
    assert not np.array_equal(other.transform(cells[2]), fitted.transform(cells[2]))


def test_parameters_as_scikit_learn_wants_them():
    editor = NeuronEditor(latent=3, edit="mean_shift")
    assert editor.get_params()["latent"] == 3
    assert clone(editor).get_params() == editor.get_params()
    assert editor.set_params(output="residual").output == "residual"
    with pytest.raises(ValueError, match="latents"):
        editor.set_params(latents=3)


@pytest.mark.parametrize("edit", ["percentile", "mean_shift", "median_shift", "knn_shift"])
def test_every_edit_and_output(cells, edit):
    S, T, X, _ = cells
    editor = NeuronEditor(**{**SMALL, "epochs": 2}, edit=edit, tails="robust", output="residual")
    assert np.isfinite(editor.fit_transform(S, T, X)).all()


def test_chunks_change_nothing(cells, fitted, monkeypatch):
    whole = fitted.transform(cells[2])
    monkeypatch.setattr(base.chunks, "__defaults__", (37,))
    np.testing.assert_allclose(fitted.transform(cells[2]), whole, rtol=1e-5, atol=1e-5)


def test_a_data_frame_comes_back_as_one(cells):
    S, T, X, _ = cells
    editor = NeuronEditor(**SMALL).fit(as_frame(S), as_frame(T), as_frame(X))
    assert editor.feature_names_in_.tolist() == list("abcdef")
    frame = as_frame(X)
    predicted = editor.transform(frame)
    assert predicted.columns.equals(frame.columns) and predicted.index.equals(frame.index)
    turned = editor.transform(frame[list("fedcba")])
    assert turned.columns.tolist() == list("fedcba")
    assert np.array_equal(turned[list("abcdef")].to_numpy(), predicted.to_numpy())


@pytest.mark.parametrize("sparse", [False, True])
def test_an_anndata_comes_back_as_one(cells, sparse):
    S, T, X, _ = cells
    editor = NeuronEditor(**SMALL).fit(as_anndata(S), as_anndata(T), as_anndata(X))
    given = as_anndata(X, sparse)
    predicted = editor.transform(given)
    assert predicted.obs.equals(given.obs) and predicted.var.equals(given.var)
    assert predicted.uns == {"kept": 1} and np.array_equal(predicted.layers["raw"], X)
    assert np.array_equal(predicted.X, editor.transform(X))
    assert (given.X != X).sum() == 0


def test_the_three_forms_agree(cells, fitted):
    S, T, X, _ = cells
    framed = NeuronEditor(**SMALL).fit(as_frame(S), T, as_anndata(X))
    assert np.array_equal(framed.transform(X), fitted.transform(X))


def test_extrapolated_cells_are_told(cells, fitted):
    far = cells[0].copy()
    far[:10] += 100
    share = fitted.extrapolated(far)
    assert share.shape == (400,) and share[:10].mean() > 0.5 and share[10:].max() == 0


def test_saved_and_loaded(cells, fitted, tmp_path):
    fitted.save(tmp_path / "a.pt")
    loaded = NeuronEditor.load(tmp_path / "a.pt")
    assert np.array_equal(loaded.transform(cells[2]), fitted.transform(cells[2]))
    assert loaded.get_params() == fitted.get_params() and loaded.history_ == fitted.history_
    framed = NeuronEditor(**{**SMALL, "epochs": 1}).fit(*map(as_frame, cells[:3]))
    framed.save(tmp_path / "b.pt")
    assert NeuronEditor.load(tmp_path / "b.pt").feature_names_in_.tolist() == list("abcdef")


def test_files_that_are_not_ours(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "executed"), "w"))

    torch.save({"format": "outofsample-neuron-editor", "evil": Evil()}, tmp_path / "evil.pt")
    torch.save({"fingerprint": "a checkpoint of the pipeline"}, tmp_path / "checkpoint.pt")
    torch.save({"format": "outofsample-method"}, tmp_path / "method.pt")
    torch.save({"format": "outofsample-neuron-editor", "parameters": {"shape": 1}}, tmp_path / "later.pt")
    (tmp_path / "text.pt").write_text("no such thing")
    (tmp_path / "empty.pt").touch()
    for path in [*tmp_path.glob("*.pt"), tmp_path / "missing.pt", tmp_path]:
        with pytest.raises(UserError, match=r"NeuronEditor\.save") as caught:
            NeuronEditor.load(path)
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)
    assert not (tmp_path / "executed").exists()


def test_no_space_left_leaves_no_half_file(fitted, tmp_path, monkeypatch):
    import errno
    from pathlib import Path

    def full(self, data):
        with open(self, "wb") as file:
            file.write(bytes(data[:10]))
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match=r"a\.pt: there is no space left on the device"):
        fitted.save(tmp_path / "a.pt")
    assert list(tmp_path.iterdir()) == []


def test_not_fitted(cells, tmp_path):
    for call in (NeuronEditor().transform, NeuronEditor().extrapolated, NeuronEditor().save):
        with pytest.raises(NotFittedError, match="call fit"):
            call(cells[2])


def with_value(X, value):
    X = X.copy()
    X[3, 1] = value
    return X


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda S, T, X: (S[:0], T, X), "S: the population is empty"),
        (lambda S, T, X: (S, T, X[:0]), "X: the population is empty"),
        (lambda S, T, X: (S, T[:, :5], X), "T: it has 5 features, and 6 are needed"),
        (lambda S, T, X: (S, with_value(T, np.nan), X), "T: the value of feature 1 in row 3 is nan"),
        (lambda S, T, X: (S, T, with_value(X, np.inf)), "X: the value of feature 1 in row 3 is inf"),
        (lambda S, T, X: (as_frame(S), T, as_frame(with_value(X, np.nan))), "X: the value of feature 'b' in row 3"),
        (lambda S, T, X: (as_frame(S), T, as_frame(X, "abcdeg")), "missing are f.*, and not known are g"),
        (lambda S, T, X: (as_frame(S), T, as_frame(X, "abcdee")), "the feature 'e' occurs twice"),
        (lambda S, T, X: (as_frame(S).assign(a="x"), T, X), "S: the column 'a' does not hold numbers"),
        (lambda S, T, X: (S[0], T, X), "S: the cells must be a table"),
        (lambda S, T, X: (S.astype(str), T, X), "S: the array must hold numbers"),
        (lambda S, T, X: (S.tolist(), T, X), "S: give a numpy array"),
    ],
)
def test_bad_cells_give_one_sentence(cells, change, words):
    with pytest.raises(UserError, match=words) as caught:
        NeuronEditor(**SMALL).fit(*change(*cells[:3]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"edit": "percentiles"}, "did you mean 'percentile'"),
        ({"tails": "long"}, "tails must be"),
        ({"output": "both"}, "output must be"),
        ({"latent": 0}, "latent must be"),
        ({"hidden": 5}, "NeuronEditor: "),
    ],
)
def test_bad_parameters_give_one_sentence(cells, parameters, words):
    with pytest.raises(UserError, match=words):
        NeuronEditor(**parameters).fit(*cells[:3])


def test_counts_are_told(cells):
    counts = np.random.default_rng(0).poisson(30, (50, 6)).astype(float)
    with pytest.warns(UserWarning, match="raw counts"):
        NeuronEditor(**{**SMALL, "epochs": 1}).fit(counts, counts, counts)

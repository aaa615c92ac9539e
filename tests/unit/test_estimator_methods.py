"""Extrapolator: every method from Python, on cells in every form, with counts and chunks."""

import sys

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from outofsample import Extrapolator, NeuronEditor, registry
from outofsample.batch_correction import r
from outofsample.errors import InputError, NotAvailable, UserError
from tests.conftest import planted
from tests.unit.test_estimator import as_anndata, as_frame

METHODS = registry.available("methods")
#: Settings with which anything is fitted in a second.
QUICK = {"epochs": 2, "patience": None, "max_steps": None, "clusters": 1}
CORRECTORS = {"cca", "combat", "limma", "mnn"}
ONLY_ITS_FIT = {"cca", "mnn"}
#: What these stand on takes longer to load than anything else to fit.
SLOW = {name: [pytest.mark.slow] for name in ("cytonorm", "scvi")} | {
    "cca": [pytest.mark.slow, pytest.mark.r],
    "combat": [pytest.mark.slow, pytest.mark.r],
    "limma": [pytest.mark.r],
}


def quick(name: str, **settings) -> Extrapolator:
    """Return an estimator that is fitted quickly."""
    known = Extrapolator(name).get_params()
    small = {setting: value for setting, value in QUICK.items() if setting in known}
    return Extrapolator(name, **{"device": "cpu", **small, **settings})


def planted_parts() -> tuple[np.ndarray, ...]:
    """Return S, T, X (cells, features)."""
    data, _ = planted(cells=120)
    return tuple(np.abs(data.X[data.role == role]) for role in ("source", "target", "query"))


@pytest.fixture(scope="module")
def cells():
    """Return S, T, X (cells, features)."""
    return planted_parts()


@pytest.fixture(scope="module")
def counts(cells):
    """Return raw counts of S, T and X."""
    return tuple(np.round(np.expm1(part)) for part in cells)


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, [])) for name in METHODS])
def test_every_method(cells, counts, tmp_path, name):
    """Fitted, applied in chunks, saved and read again; what corrects only its fit says so of other cells."""
    of_counts = registry.find("methods", name).data == {"counts"}
    asked = {"counts": counts[2]} if of_counts else {}
    estimator = quick(name)
    try:
        estimator.fit(*cells, counts=counts if of_counts else None)
    except NotAvailable as error:
        if name not in {"cytonorm", "scvi", *CORRECTORS}:
            raise
        pytest.skip(str(error))
    predicted = estimator.transform(cells[2], **asked)
    assert predicted.shape == cells[2].shape and predicted.dtype == np.float32 and np.isfinite(predicted).all()
    estimator.set_params(chunk_size=7)
    np.testing.assert_allclose(estimator.transform(cells[2], **asked), predicted, rtol=1e-5, atol=1e-5)
    estimator.save(tmp_path / "saved.pt")
    loaded = Extrapolator.load(tmp_path / "saved.pt").set_params(chunk_size=None)
    assert np.array_equal(loaded.transform(cells[2], **asked), predicted)
    assert loaded.get_params() == {**estimator.get_params(), "chunk_size": None}
    assert loaded.expected_error_ == estimator.expected_error_ and loaded.history_ == estimator.history_
    others = cells[2][::-1].copy()
    if name in ONLY_ITS_FIT:
        with pytest.raises(UserError, match="only the cells that it was fitted on"):
            estimator.transform(others)
    else:
        asked = {"counts": counts[2][::-1]} if of_counts else {}
        np.testing.assert_allclose(estimator.transform(others, **asked)[::-1], predicted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", METHODS)
def test_no_name_of_a_setting_is_a_parameter_or_the_models_too(name):
    """Settings of method and model stand in one list beside the estimator's own parameters."""
    entry = registry.find("methods", name)
    own = set(entry.Settings.__dataclass_fields__)
    model = entry.model_name(entry.Settings())
    of_model = set(registry.find("models", model).Settings.__dataclass_fields__) if model else set()
    assert not own & of_model
    assert not (own | of_model) & set(Extrapolator._get_param_names())


def test_neuron_editor_is_its_special_case(cells):
    small = {"hidden": (32,), "latent": 8, "epochs": 3, "device": "cpu"}
    editor = NeuronEditor(**small, tails="robust").fit(*cells)
    same = Extrapolator("neuron_editing", **small, edit_options={"tails": "robust"}).fit(*cells)
    assert np.array_equal(editor.transform(cells[2]), same.transform(cells[2]))
    assert np.array_equal(editor.extrapolated(cells[2]), same.extrapolated(cells[2]))
    assert editor.history_ == same.history_


def test_the_same_bits_from_a_seed_and_others_from_another(cells):
    first = quick("trvae", seed=3).fit(*cells)
    assert np.array_equal(clone(first).fit_transform(*cells), first.transform(cells[2]))
    assert not np.array_equal(clone(first).set_params(seed=4).fit_transform(*cells), first.transform(cells[2]))


def test_drawn_noise_does_not_repeat_from_chunk_to_chunk(cells):
    """Each call draws from the seed anew: chunks of a call that drew so would have the same noise."""
    twice = np.concatenate([cells[2], cells[2]])
    estimator = quick("trvae", noise="gaussian", prediction="sample").fit(*cells)
    predicted = estimator.transform(twice)
    assert np.array_equal(estimator.set_params(chunk_size=len(cells[2])).transform(twice), predicted)
    assert not np.array_equal(predicted[: len(cells[2])], predicted[len(cells[2]) :])


@pytest.mark.parametrize("zeros", ["share", "alike"])
def test_chunks_matter_to_cells_that_agree_in_all_values_where_zeros_are_drawn_and_to_no_others(zeros):
    rng = np.random.default_rng(0)
    S, X, T = ((rng.random((300, 6)) < share).astype(np.float32) for share in (0.3, 0.3, 0.55))
    # Of the first cells most have values that no other cell has.
    X[:40] *= 1 + rng.random((40, 6), dtype=np.float32)
    _, group, sizes = np.unique(X, axis=0, return_inverse=True, return_counts=True)
    alike = sizes[group.ravel()] > 1
    estimator = Extrapolator("stacked_map", candidates={"mean_shift": {}}, zeros=zeros, expect=False).fit(S, T, X)
    whole, parts = estimator.transform(X), estimator.set_params(chunk_size=7).transform(X)
    assert 10 < (~alike).sum() < 100 and np.array_equal(parts[~alike], whole[~alike])
    assert np.array_equal(parts[alike], whole[alike]) == (zeros == "alike")


# ---- forms of cells


def test_forms_agree(cells, tmp_path):
    import anndata

    S, T, X = cells
    array = Extrapolator("quantile_mapping").fit(S, T, X).transform(X)
    estimator = Extrapolator("quantile_mapping").fit(as_frame(S), csr_matrix(T), as_anndata(X, sparse=True))
    assert estimator.get_feature_names_out().tolist() == list("abcdef")
    turned = estimator.transform(as_frame(X)[list("fbadce")])
    assert turned.columns.tolist() == list("fbadce") and np.array_equal(turned[list("abcdef")].to_numpy(), array)
    as_anndata(X, sparse=True).write_h5ad(tmp_path / "x.h5ad")
    backed = anndata.read_h5ad(tmp_path / "x.h5ad", backed="r")
    for given in (X, csr_matrix(X), csr_array(X)):
        assert np.array_equal(estimator.transform(given), array)
    for given in (as_anndata(X), as_anndata(X, sparse=True), backed):
        predicted = estimator.set_params(chunk_size=50).transform(given)
        assert np.array_equal(predicted.X, array) and predicted.obs.equals(given.obs)


def test_complex_numbers_are_refused(cells):
    with pytest.raises(InputError, match="T: Complex data not supported"):
        Extrapolator("mean_shift").fit(cells[0], cells[1].astype(complex), cells[2])


# ---- counts


def test_counts_of_a_layer(cells, counts):
    estimator = quick("trvae", noise="nb")
    given = [as_anndata(part) for part in cells]
    for part, numbers in zip(given, counts, strict=True):
        part.layers["counts"] = csr_matrix(numbers)
    predicted = estimator.fit(*given, counts="counts").transform(given[2])
    assert np.array_equal(predicted.X, clone(estimator).fit_transform(*cells, counts=counts))
    for wrong, words in (
        ("raws", "there is no layer 'raws' of counts .did you mean 'raw'"),
        (counts[:2], "counts: there are 2 entries; give those of S"),
        ((*counts[:2], counts[2][:5]), "X: there are 120 cells, and counts of 5"),
    ):
        with pytest.raises(InputError, match=words):
            clone(estimator).fit(*given, counts=wrong)
    with pytest.raises(UserError, match="raw counts"):
        clone(estimator).fit(*cells)


# ---- what is missing, and what is wrong


@pytest.mark.parametrize("name", ["cca", "combat", "limma"])
def test_without_r_one_sentence_says_so(cells, monkeypatch, name):
    monkeypatch.setattr(r, "r_home", lambda: None)
    monkeypatch.setattr(r, "session", r.session.__wrapped__)
    with pytest.raises(NotAvailable, match="R missing: install it") as caught:
        Extrapolator(name).fit(*cells)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "module", "package"), [("ot_map", "ot", "POT"), ("scvi", "scvi", "scvi-tools")])
def test_without_a_package_one_sentence_says_so(cells, counts, monkeypatch, name, module, package):
    for part in [loaded for loaded in sys.modules if loaded.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, part)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(NotAvailable, match=f"{name} needs the package '{package}': pip install {package}"):
        Extrapolator(name).fit(*cells, counts=counts)


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("stack_map", {}, "there is no 'stack_map' .did you mean 'stacked_map'"),
        ("quantile_mapping", {"latent": 5}, "quantile_mapping: there is no setting 'latent'"),
        ("trvae", {"latents": 5}, "there is no setting 'latents' .did you mean 'latent'"),
        ("trvae", {"latent": 0}, "trvae: latent must be at least 1"),
        ("trvae", {"model": 5}, "trvae: model must be the name of a model"),
        ("mean_shift", {"seed": -1}, "seed must be a whole number from 0 on, not -1"),
        ("mean_shift", {"seed": "x"}, "seed must be a whole number"),
        ("mean_shift", {"chunk_size": 0}, "chunk_size must be a whole number from 1 on"),
        ("mean_shift", {"chunk_size": "x"}, "chunk_size must be a whole number from 1 on"),
        ("trvae", {"device": "abacus"}, "device must be auto, cpu, cuda, not .abacus"),
    ],
)
def test_wrong_parameters_are_told_by_fit_in_one_sentence(cells, name, parameters, words):
    with pytest.raises(InputError, match=words) as caught:
        quick(name, **parameters).fit(*cells)
    assert "\n" not in str(caught.value)


def test_what_is_wrong_with_cells_is_also_a_value_error(cells):
    with pytest.raises(ValueError, match="T: it has 5 features, and 6 are needed"):
        Extrapolator("mean_shift").fit(cells[0], cells[1][:, :5], cells[2])


def test_a_method_without_units_cannot_tell_what_lies_outside(cells):
    estimator = Extrapolator("no_change").fit(*cells)
    with pytest.raises(InputError, match="no_change: this method edits no units"):
        estimator.extrapolated(cells[2])


def test_what_is_no_table_is_told_by_both(cells):
    estimator = Extrapolator("neuron_editing", epochs=1, hidden=(8,), latent=2, expect=False).fit(*cells)
    for call in (estimator.transform, estimator.extrapolated):
        with pytest.raises(InputError, match=r"X: give a numpy array .* or an AnnData, not list"):
            call(cells[2].tolist())


def test_not_fitted(cells, tmp_path):
    for call in (Extrapolator().transform, Extrapolator().extrapolated, Extrapolator().save):
        with pytest.raises(NotFittedError, match="This Extrapolator is not fitted yet"):
            call(cells[2])


def test_what_a_method_prints_is_asked_for(cells, capsys):
    Extrapolator("stacked_map").fit(*cells)
    assert capsys.readouterr().out == ""
    Extrapolator("stacked_map", verbose=True).fit(*cells)
    assert "energy distances of what was held out" in capsys.readouterr().out


# ---- saved files

OWN = '''"""A method that leaves a trace where it is imported."""

from pathlib import Path

from outofsample.arrays import Prediction
from outofsample.methods.families import base

Path(__file__).with_suffix(".imported").touch()


class Method(base.Method):
    """Adds one."""

    def predict(self, X, query, counts=None):
        return Prediction(X + 1)
'''


def test_own_code_is_run_where_it_is_named(cells, tmp_path):
    """A file that comes from elsewhere may name a Python file that lies here."""
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    estimator = Extrapolator(str(path)).fit(*cells)
    estimator.save(tmp_path / "saved.pt")
    path.with_suffix(".imported").unlink()
    stranger = tmp_path / "stranger.py"
    stranger.write_text(OWN)
    content = torch.load(tmp_path / "saved.pt", weights_only=True)
    for place in ({"method": str(stranger)}, {"model": str(stranger)}, {"candidates": {str(stranger): {}}}):
        parameters = {**content["parameters"], **place}
        torch.save({**content, "parameters": parameters}, tmp_path / "evil.pt")
        with pytest.raises(UserError, match=r"asks for code of your own, '.*stranger\.py'"):
            Extrapolator.load(tmp_path / "evil.pt", own_code=[str(path)])
    assert not stranger.with_suffix(".imported").exists()
    loaded = Extrapolator.load(tmp_path / "saved.pt", own_code=[str(path)])
    assert np.array_equal(loaded.transform(cells[2]), cells[2] + 1)


def test_files_of_one_class_are_not_read_by_the_other(cells, tmp_path):
    Extrapolator("mean_shift").fit(*cells).save(tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"was written by Extrapolator\.save, .*read it with Extrapolator\.load"):
        NeuronEditor.load(tmp_path / "a.pt")
    NeuronEditor(hidden=(8,), latent=2, epochs=1, device="cpu").fit(*cells).save(tmp_path / "b.pt")
    with pytest.raises(UserError, match=r"was written by NeuronEditor\.save"):
        Extrapolator.load(tmp_path / "b.pt")


def test_a_file_of_another_version_is_told(cells, tmp_path):
    Extrapolator("mean_shift").fit(*cells).save(tmp_path / "a.pt")
    content = torch.load(tmp_path / "a.pt", weights_only=True)
    for change in ({"parameters": {"method": "mean_shift", "shoe": 4}}, {"method": {}}, {"domains": None}):
        torch.save({**content, **change}, tmp_path / "b.pt")
        with pytest.raises(UserError, match=r"b\.pt: this file does not fit this version of Extrapolator"):
            Extrapolator.load(tmp_path / "b.pt")

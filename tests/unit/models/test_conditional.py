"""Conditional variational autoencoders on counts: the scale of what they decode, and what they draw."""

from dataclasses import replace

import numpy as np
import pytest

from outofsample import registry
from outofsample.arrays import TrainingData
from outofsample.methods.families import base, blocks
from tests.conftest import QUERY, planted

SETTINGS = {"hidden": (32, 16), "latent": 4, "batch_size": 60, "patience": None, "dropout": 0.0}


def counted(cells: int = 200, genes: int = 20) -> TrainingData:
    """Return counts of two conditions; six genes are four times as high after the change."""
    rng = np.random.default_rng(0)
    level = rng.gamma(2, 4, size=(1, genes))
    groups = (("first", "before", "source"), ("first", "after", "target"), ("sample", "before", "query"))
    response = np.where(np.arange(genes) < 6, 4.0, 1.0)
    mean = [level * (response if condition == "after" else 1) * np.ones((cells, 1)) for _, condition, _ in groups]
    counts = rng.poisson(np.concatenate(mean)).astype(np.float32)
    X = np.log1p(counts / counts.sum(axis=1, keepdims=True) * 200).astype(np.float32)
    domain, condition, role = (np.repeat(column, cells) for column in zip(*groups, strict=True))
    return TrainingData(X, role, condition, domain, tuple(f"g{n}" for n in range(genes)), (QUERY,), counts=counts)


def test_a_negative_binomial_decodes_to_the_scale_of_the_data():
    data = counted()
    model = registry.create("models", "trvae", {**SETTINGS, "noise": "nb", "max_steps": 300}).fit(data)
    source = data.X[data.role == "source"]
    decoded = model.decode(model.encode(source, "before"), "before")
    np.testing.assert_allclose(np.expm1(decoded).sum(axis=1), 200, rtol=1e-3)
    # As through the whole network, which knows how large each cell is.
    np.testing.assert_allclose(decoded, model.translate(source, "before", "before")["x"], rtol=1e-4)
    assert np.abs(decoded.mean(axis=0) - source.mean(axis=0)).max() < 0.5
    again = registry.create("models", "trvae", {**SETTINGS, "noise": "nb"}).load_state(model.state())
    np.testing.assert_array_equal(again.decode(model.encode(source, "before"), "before"), decoded)


def sampling(data: TrainingData, noise: str):
    """Return a method that draws, hardly trained."""
    model = registry.create("models", "cvae", {**SETTINGS, "noise": noise, "max_steps": 5}).fit(data)
    entry = registry.find("methods", "cvae")
    return entry(entry.Settings(prediction="sample"), model).attach(data, seed=3)


@pytest.mark.parametrize("noise", ["gaussian", "nb"])
def test_noise_does_not_repeat_from_block_to_block(noise, monkeypatch):
    """Blocks of the same cells but for the last one: what is drawn for the others differs, and is the block's own."""
    data = counted(cells=40)
    method = sampling(data, noise)
    monkeypatch.setattr(blocks, "BLOCK", 30)
    X = np.repeat(data.X[:1], 60, axis=0)
    X[-1] = data.X[1]
    predict = blocks.in_blocks(method.transform)
    predicted = predict(X, QUERY).X
    assert (predicted[:29] != predicted[30:59]).any(axis=1).all()
    np.testing.assert_array_equal(predict(X[30:], QUERY).X, predicted[30:])
    np.testing.assert_array_equal(predict(X, QUERY).X, predicted)


@pytest.mark.parametrize("noise", ["gaussian", "nb"])
def test_noise_does_not_repeat_from_chunk_to_chunk(noise, monkeypatch):
    data = counted(cells=40)
    method = sampling(data, noise)
    monkeypatch.setattr(base, "CHUNK", 30)
    X = np.repeat(data.X[:1], 60, axis=0)
    predicted = method.transform(X, QUERY).X
    assert not np.allclose(predicted[:30], predicted[30:])
    np.testing.assert_array_equal(method.transform(X, QUERY).X, predicted)


def test_the_terms_shares_of_the_loss_are_in_the_log(capsys):
    from outofsample.training.run import Run

    data, _ = planted()
    settings = {**SETTINGS, "max_steps": 20, "eta": 2.0, "alpha": 0.5, "beta": 3.0}
    model = registry.create("models", "trvae", settings).fit(data, run=Run(progress=True))
    last = model.history[-1]
    shares = [weight * last[f"train_{name}"] / last["train_loss"] for name, weight in model.weights.items()]
    assert sum(shares) == pytest.approx(1, rel=1e-4)
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Shares of the loss"))
    found = f"Shares of the loss: reconstruction {shares[0]:.2%}, kl {shares[1]:.2%}, mmd {shares[2]:.2%}; weights: "
    assert line == found + "reconstruction 2, kl 0.5, mmd 3."


@pytest.mark.parametrize("name", ["trvae", "mmd_cvae"])
@pytest.mark.parametrize("factor", [1, 10])
def test_the_weight_of_mmd_goes_with_the_scale_of_the_data_where_none_is_given(name, factor):
    data = counted()
    data = replace(data, X=data.X * factor)
    settings = {**SETTINGS, "max_steps": 1}
    model = registry.create("models", name, settings).fit(data)
    assert model.beta == pytest.approx(0.05 * model.settings.eta * data.X.var(axis=0).sum(), rel=1e-4)
    assert registry.create("models", name, {**settings, "beta": 7.0}).fit(data).weights["mmd"] == 7


def test_the_authors_weights_on_the_authors_scale_have_their_share(shared_data):
    """Half the squared error 23.1 and MMD .0121: eta 100 and beta 500 on Kang's cells, normalised to the median."""
    import scanpy

    from outofsample.datasets import kang
    from outofsample.models.families.conditional import AUTHORS_BETA

    file = "kang_trvae_layout_counts.h5ad"
    path = shared_data / "kang2018_pbmc" / file
    adata = kang.Dataset(kang.Settings(file=file, normalise="median")).load({file: path})
    genes = scanpy.pp.highly_variable_genes(adata, n_top_genes=2000, inplace=False)["highly_variable"].to_numpy()
    total = adata.X[:, genes].toarray().var(axis=0).sum()
    assert AUTHORS_BETA * 100 * total == pytest.approx(500, rel=0.15)
    # With trVAE's default weights MMD then has its share of their loss, .26 %.
    trvae = registry.find("models", "trvae").Settings()
    matched = AUTHORS_BETA * trvae.eta * total
    assert trvae.beta is None and trvae.matched == "decoder"
    assert matched * 0.0121 / (trvae.eta * 23.1 + matched * 0.0121) == pytest.approx(0.0026, rel=0.15)

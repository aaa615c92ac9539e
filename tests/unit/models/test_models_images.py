"""Models on images: their scale, what they share with those for tables."""

import dataclasses

import numpy as np
import pytest
import torch

from outofsample import registry
from outofsample.arrays import Query, TrainingData
from outofsample.errors import UserError
from outofsample.methods.families.base import why_not
from outofsample.training.run import Run

QUERY = Query("answer", "sample", "before", "after")
VARIATIONAL = ("vae", "cvae", "mmd_cvae", "trvae")


def images(shape=(8, 8, 3), cells=12, brighter=60, seed=0) -> TrainingData:
    """Return noise on a ground whose brightness differs between images; T is brighter."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 40, (3 * cells, int(np.prod(shape)))) + rng.integers(20, 90, (3 * cells, 1))
    pixels[cells : 2 * cells] += brighter
    role = np.repeat(["source", "target", "query"], cells)
    condition = np.repeat(["before", "after", "before"], cells)
    domain = np.repeat(["control", "control", "sample"], cells)
    names = tuple(f"pixel{number}" for number in range(pixels.shape[1]))
    return TrainingData(pixels.astype(np.uint8), role, condition, domain, names, (QUERY,), image_shape=shape)


def fit(model: str, data: TrainingData, seed=0, run=Run(), **settings):
    small = {"divisor": 32, "latent": 4} if model in VARIATIONAL else {"filters": (4, 8)}
    settings = {"epochs": 2, "batch_size": 6, **small, **settings}
    return registry.create("models", model, settings).fit(data, seed, run)


def attach(method: str, model, data: TrainingData, **settings):
    entry = registry.find("methods", method)
    return entry(entry.Settings(**settings), model).attach(data)


def query_images(data: TrainingData) -> np.ndarray:
    return data.X[data.role == "query"]


@pytest.mark.parametrize("shape", [(24, 40, 3), (30, 17, 1)], ids=str)
@pytest.mark.parametrize("model", ["autoencoder", "gan", "cvae"])
def test_other_sizes_and_sides_that_differ(model, shape):
    data = images(shape, cells=6)
    network = fit(model, data, epochs=1, **({"image_network": "faces"} if model == "cvae" else {}))
    method = attach({"autoencoder": "neuron_editing"}.get(model, model), network, data)
    assert method.transform(query_images(data), QUERY).X.shape == (6, shape[0] * shape[1] * shape[2])


def test_images_that_are_too_small_are_refused():
    with pytest.raises(UserError, match=r"Images of 4 x 4 pixels cannot be halved 3 times.*8 x 8 pixels or more"):
        fit("autoencoder", images((4, 4, 1)), filters=(4, 4, 4))
    with pytest.raises(UserError, match="Images of 4 x 4 pixels are too small: 8 x 8"):
        fit("trvae", images((4, 4, 1)))


def test_all_groups_share_the_pixels_of_the_data():
    data = images()
    model = fit("trvae", data)
    groups = model.as_groups(data, "cpu")
    assert len(groups) == 2
    for group, condition in zip(groups, ("after", "before"), strict=True):
        pixels = group.tensors["x"]
        assert pixels.dtype == torch.uint8 and pixels.data_ptr() == data.X.ctypes.data
        np.testing.assert_array_equal(group.rows.numpy(), np.flatnonzero(data.condition == condition))


@pytest.mark.parametrize(("model", "low", "high"), [("autoencoder", -1, 1), ("gan", -1, 1), ("trvae", 0, 1)])
def test_batches_are_scaled_when_their_turn_comes(model, low, high):
    data = images((8, 8, 1))
    fitted = fit(model, data)
    seen = []
    player = fitted.player("train", fitted.network.parameters(), lambda batches: seen.append(batches[0]["x"]))
    player.terms([{"x": torch.tensor([[0, 51, 255]], dtype=torch.uint8)}])
    expected = [[low, low + 0.2 * (high - low), high]]
    torch.testing.assert_close(seen[0], torch.tensor(expected, dtype=torch.float32))
    X = query_images(data)
    assert fitted.scaled(X).dtype == np.float32
    np.testing.assert_allclose(fitted.unscaled(fitted.scaled(X)), X, atol=1e-4)


@pytest.mark.parametrize("model", ["autoencoder", "cyclegan", "trvae"])
def test_resumed_training_gives_the_same_bits(tmp_path, model):
    data = images()
    run = Run(checkpoint=tmp_path / "checkpoint.pt", fingerprint="same", checkpoint_seconds=0)
    undisturbed = fit(model, data, epochs=4, patience=None)
    fit(model, data, epochs=2, patience=None, run=run)
    resumed = fit(model, data, epochs=4, patience=None, run=run)
    one, other = (fitted.network.state_dict() for fitted in (undisturbed, resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3, 4] and resumed.history == undisturbed.history


def test_reconstruction_improves_with_training():
    data = images((16, 16, 3), cells=30)
    X = query_images(data)

    def error(**settings):
        model = fit("autoencoder", data, filters=(8, 16), batch_size=30, patience=None, **settings)
        return np.abs(model.decode(model.encode(X)) - X).mean()

    assert error(epochs=60, learning_rate=5e-3) < 0.6 * error(epochs=1)


def test_feature_maps_are_encoded_as_flattened_rows():
    data = images((16, 16, 3))
    model = fit("autoencoder", data, filters=(4, 6))
    assert model.latent_shape == (4, 4, 6)
    latent = model.encode(query_images(data))
    assert latent.shape == (12, 96) and latent.dtype == np.float32


def test_a_channel_has_one_edit_for_all_positions():
    """Squares are brightened; where S had none, an edit of each unit knows nothing of it, one of the channel does."""
    ground, square = 50, 100
    X = np.full((30, 8, 8, 1), ground)
    X[:, :4, 1:5] = square
    S, T = X.copy(), np.where(square == X, 180, X)
    query = np.flip(X, axis=1)
    pixels = np.concatenate([S, T, query]).reshape(90, -1).astype(np.uint8)
    data = dataclasses.replace(images((8, 8, 1), cells=30), X=pixels)
    predicted = {}
    for edit_units in ("unit", "channel"):
        entry = registry.find("methods", "quantile_mapping")
        method = entry(entry.Settings(edit_units=edit_units)).fit(data)
        predicted[edit_units] = method.transform(pixels[60:], QUERY).X.reshape(query.shape)
    assert np.unique(predicted["unit"][query == square]).tolist() == [square]
    np.testing.assert_allclose(predicted["channel"][query == square], 180)
    np.testing.assert_allclose(predicted["channel"][query == ground], ground)


@pytest.mark.parametrize(("edit_units", "units"), [("unit", 2 * 2 * 8), ("channel", 8)])
def test_edit_units_of_a_feature_map(edit_units, units, tmp_path):
    data = images()
    method = attach("neuron_editing", fit("autoencoder", data), data, edit_units=edit_units)
    prediction = method.transform(query_images(data), QUERY)
    assert prediction.outside.shape == (units,) and (prediction.outside <= 1).all()
    assert prediction.latent is None
    method.save(tmp_path / "method.pt")
    entry = registry.find("methods", "neuron_editing")
    model = registry.create("models", "autoencoder", {"filters": (4, 8)})
    loaded = entry(entry.Settings(edit_units=edit_units), model).load(tmp_path / "method.pt")
    np.testing.assert_array_equal(loaded.transform(query_images(data), QUERY).X, prediction.X)


def test_edit_units_are_checked():
    with pytest.raises(ValueError, match="edit_units must be 'unit' or 'channel', not 'pixel'"):
        registry.find("methods", "neuron_editing").Settings(edit_units="pixel")


def test_predicted_pixels_end_at_0_and_255():
    data = images(brighter=0)
    data.X[data.role == "target"] = 250
    data.X[data.role == "query"] = 200
    predicted = registry.create("methods", "mean_shift", {}).fit(data).transform(query_images(data), QUERY).X
    assert predicted.dtype == np.float32 and (predicted == 255).all()


@pytest.mark.parametrize(("method", "model"), [("trvae", "trvae"), ("scgen", "vae"), ("neuron_editing", "autoencoder")])
def test_residual_keeps_the_image_and_its_range(method, model):
    data = images(brighter=0)
    data.X[data.role == "query"] = np.tile([0, 255], 96)
    fitted = fit(model, data)
    X = query_images(data)
    predicted = attach(method, fitted, data, output="residual").transform(X, QUERY).X
    assert predicted.min() >= 0 and predicted.max() <= 255
    # Two epochs have learned no change worth its name: the image shows through, where its decoded version is a blur.
    assert np.corrcoef(predicted.ravel(), X.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("network", ["digits", "faces"])
def test_the_condition_changes_what_is_decoded(network):
    data = images()
    settings = {"divisor": 8, "image_batch_norm": True, "epochs": 5, "learning_rate": 5e-3}
    model = fit("trvae", data, image_network=network, **settings)
    latent = model.encode(query_images(data), "before")
    assert not np.allclose(latent, model.encode(query_images(data), "after"), atol=1e-3)
    assert not np.allclose(model.decode(latent, "before"), model.decode(latent, "after"), atol=0.1)


def test_skips_take_the_image_past_the_bottleneck():
    data = images((16, 16, 3))
    model = fit("trvae", data, skips=True)
    X = query_images(data)
    assert attach("trvae", model, data).transform(X, QUERY).X.shape == X.shape
    with pytest.raises(UserError, match="skips: true takes images past the latent values"):
        attach("scgen", model, data).transform(X, QUERY)
    with pytest.raises(ValueError, match="skips must be false"):
        fit("vae", data, skips=True)


def test_sampling_from_a_gaussian_noise_model():
    data = images()
    model = fit("cvae", data, noise="gaussian")
    X = query_images(data)
    mean, sampled = (attach("cvae", model, data, prediction=word).transform(X, QUERY).X for word in ("mean", "sample"))
    assert np.abs(sampled - mean).mean() > 1


def test_cyclegan_takes_its_options_to_images():
    data = images()
    model = fit("cyclegan", data, batch_norm=True, dropout=0.5, variant="as_published", pool=8)
    modules = [type(module).__name__ for module in model.network["judge_target"].modules()]
    assert modules.count("BatchNorm2d") == 2 and modules.count("BatchNorm1d") == 1 and modules.count("Dropout") == 3
    assert attach("cyclegan", model, data).transform(query_images(data), QUERY).X.shape == (12, 192)


def test_pca_is_found_on_so_many_images_at_most():
    data = images(cells=40)
    some, all_of_them = (
        registry.create("models", "pca", {"components": 5, "images": count}).fit(data) for count in (30, 1000)
    )
    assert some.encode(data.X).shape == all_of_them.encode(data.X).shape == (120, 5)
    np.testing.assert_allclose(all_of_them.mean, data.X.mean(axis=0), rtol=1e-5)
    assert not np.allclose(some.mean, all_of_them.mean)


@pytest.mark.parametrize("model", ["autoencoder", "trvae", "gan"])
def test_standardize_is_for_tables(model):
    with pytest.raises(UserError, match="standardize: true is for tables"):
        fit(model, images(), standardize=True)


def test_models_for_tables_refuse_images():
    with pytest.raises(UserError, match="takes tabular data, not images"):
        registry.create("models", "saucie", {}).fit(images())
    with pytest.raises(UserError, match="needs raw counts"):
        fit("trvae", images(), noise="nb")


@pytest.mark.parametrize("method", registry.available("methods"))
def test_only_the_methods_of_the_design_refuse_images(method):
    reason = why_not(registry.find("methods", method), frozenset({"images"}))
    refuses = method in ("saucie", "scvi", "combat", "limma", "mnn", "cca", "cytonorm")
    assert reason == ("not for images" if refuses else None)

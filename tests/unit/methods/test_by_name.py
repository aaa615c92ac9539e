"""A method with its settings and those of its model in one list."""

import pytest

from outofsample.errors import InputError
from outofsample.methods.families.by_name import all_settings, build, check_names


def test_settings_go_where_they_belong():
    method = build("neuron_editing", {"output": "residual", "latent": 7, "epochs": 2})
    assert method.settings.output == "residual" and method.settings.model == "autoencoder"
    assert (method.fitted.settings.latent, method.fitted.settings.epochs) == (7, 2)
    assert build("no_change", {}).fitted is None


def test_another_model_has_other_settings():
    assert build("neuron_editing", {"model": "vae", "dropout": 0.1}).fitted.settings.dropout == 0.1
    with pytest.raises(InputError, match="neuron_editing: there is no setting 'dropout'"):
        build("neuron_editing", {"model": "pca", "dropout": 0.1})


def test_all_settings_keep_what_is_given():
    hidden = [3, 2]
    settings = all_settings("neuron_editing", {"hidden": hidden})
    assert settings["hidden"] is hidden and settings["latent"] == 50 and settings["edit"] == "percentile"
    assert all_settings("no_change", {}) == {}


def test_what_is_wrong_is_one_sentence():
    for settings, words in (
        ({"folds": 1}, "stacked_map: folds must be at least 2"),
        ({"folds": "x"}, "stacked_map: "),
        ({"fold": 3}, "there is no setting 'fold' .did you mean 'folds'.*; known: candidates, folds"),
        ({"candidates": {"mean_shifts": {}}}, "candidates: .*mean_shifts"),
    ):
        with pytest.raises(InputError, match=words):
            build("stacked_map", settings)
    with pytest.raises(InputError, match="there is no 'stack'"):
        build("stack", {})


def test_names_alone_are_checked_where_the_method_is_known():
    check_names("stack", {"anything": 1})
    check_names("trvae", {"latent": -3})
    with pytest.raises(InputError, match="no setting 'latents'"):
        check_names("trvae", {"latents": 3})

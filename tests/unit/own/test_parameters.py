"""Settings of a method as parameters of an estimator."""

import pytest
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from outofsample import Extrapolator


def test_all_settings_are_parameters_as_given_or_by_default():
    parameters = Extrapolator("neuron_editing", latent=3, output="residual").get_params()
    assert (parameters["latent"], parameters["hidden"], parameters["output"]) == (3, (500, 250), "residual")
    assert {"method", "seed", "device", "chunk_size", "expect", "verbose", "edit", "epochs"} <= parameters.keys()
    assert "latent" in Extrapolator("neuron_editing", model="vae").get_params()


def test_a_clone_is_the_same_and_shares_nothing():
    estimator = Extrapolator("stacked_map", candidates={"mean_shift": {}}, seed=4)
    copy = clone(estimator)
    assert (
        copy.get_params() == estimator.get_params()
        and copy.settings["candidates"] is not estimator.settings["candidates"]
    )


def test_an_unknown_method_is_no_error_before_the_fit():
    estimator = Extrapolator("nothing", latent=3)
    assert clone(estimator).get_params()["latent"] == 3 and estimator.set_params(hidden=4).settings["hidden"] == 4


def test_an_unknown_setting_is_refused_and_nothing_is_set():
    estimator = Extrapolator("stacked_map", folds=3)
    with pytest.raises(ValueError, match=r"there is no setting 'fold' .did you mean 'folds'"):
        estimator.set_params(seed=7, fold=2)
    assert (estimator.seed, estimator.settings) == (0, {"folds": 3})
    # What cannot be is told by the fit, as scikit-learn has it.
    assert estimator.set_params(folds=0).settings == {"folds": 0}


@pytest.mark.parametrize("change", [{"method": "quantile_mapping"}, {"model": "vae"}])
def test_defaults_do_not_stand_in_the_way_of_another_method_or_model(change):
    """A clone has every default as if it had been given."""
    estimator = clone(Extrapolator("neuron_editing", output="residual")).set_params(**change)
    assert estimator.settings == {"output": "residual"} | {k: v for k, v in change.items() if k == "model"}
    assert ("hidden" in estimator.get_params()) == (change == {"model": "vae"})


def test_a_grid_over_methods_and_their_settings():
    grid = [{"method": ["mean_shift", "stacked_map"]}, {"method": ["trvae"], "latent": [2, 3]}]
    tried = [repr(clone(Extrapolator()).set_params(**point)) for point in ParameterGrid(grid)]
    assert tried == [
        "Extrapolator('mean_shift')",
        "Extrapolator('stacked_map')",
        "Extrapolator('trvae', latent=2)",
        "Extrapolator('trvae', latent=3)",
    ]


def test_it_is_shown_by_what_is_no_default():
    assert repr(Extrapolator("trvae", seed=2, latent=50, epochs=3)) == "Extrapolator('trvae', seed=2, epochs=3)"
    assert "Extrapolator" in Extrapolator("trvae")._repr_html_()

"""The change as a whole: its principal components, and names that look like formulas."""

from dataclasses import replace

import numpy as np

from outofsample.figures import whole_change
from tests.unit.figures.drawn import texts


def test_components_are_orthonormal_and_point_along_the_change(load_batches):
    data = load_batches()
    mean, components, shares = whole_change.principal_components(data)
    assert np.allclose(components @ components.T, np.eye(2))
    change = data.cells["target"].mean(axis=0) - data.cells["source"].mean(axis=0)
    assert (components @ change >= 0).all() and 1 > shares[0] > shares[1] > 0
    assert np.allclose(
        mean, np.mean([data.cells[name].mean(axis=0) for name in whole_change.FITTED], axis=0), atol=1e-5
    )


def test_names_are_no_formulas(load_batches):
    """Half a formula in the name of a channel ended the drawing."""
    data = load_batches()
    names = dict.fromkeys(data.names, "$x_{$ and $\\frac{$")
    features = tuple(f"$x_{{$ {name}" for name in data.features)
    figure = whole_change.populations_and_markers(replace(data, names=names, features=features))
    figure.draw_without_rendering()
    assert "$x_{$ and $\\frac{$" in texts(figure) and "$x_{$ CD" in texts(figure)

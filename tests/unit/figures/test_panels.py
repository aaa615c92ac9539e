"""Parts of panels: limits and arrows."""

import numpy as np

from outofsample.figures import panels, style


def test_limits_hold_what_was_measured():
    measured = np.linspace(0, 10, 1001)
    low, high = panels.limits([measured], [np.full(5, 1e6)])
    assert low < 0 and 10 < high < 12.5


def test_an_arrow_stays_within_the_axes():
    figure = style.page("t", "n", 2.0)
    ax = figure.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    style.settle(figure)
    start = np.array([0.5, 0.5])
    panels.arrow(ax, start, np.array([50.0, 0.5]), panels.LEARNED)
    assert ax.texts[0].xy[0] < 1
    panels.arrow(ax, start, start, panels.LEARNED)
    assert ax.lines[-1].get_marker() == "o"

"""Labels beside points."""

import numpy as np

from outofsample.figures import style
from outofsample.figures.point_labels import label_points


def test_labels_cover_neither_each_other_nor_points():
    figure = style.page("t", "n", 3.0)
    ax = figure.subplots()
    points = np.random.default_rng(0).uniform(size=(25, 2))
    ax.scatter(*points.T)
    style.settle(figure)
    label_points(ax, points, [f"marker{k}" for k in range(25)], points)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) > 10
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert not any(box.count_contains(ax.transData.transform(points)) for box in boxes)

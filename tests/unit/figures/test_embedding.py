"""UMAP."""

import numpy as np

from outofsample.figures import embedding


def test_umap_is_the_same_each_time_and_parts_what_is_apart():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 60)) + 30 * np.repeat([0, 1], 40)[:, None]
    first, second = embedding.embed(X), embedding.embed(X)
    assert first.shape == (80, 2) and np.array_equal(first, second)
    halves = first[:40], first[40:]
    centres = [half.mean(axis=0) for half in halves]
    wide = max(np.linalg.norm(half - centre, axis=1).max() for half, centre in zip(halves, centres, strict=True))
    assert np.linalg.norm(centres[0] - centres[1]) > 2 * wide
    # A layer that has collapsed still has an embedding.
    assert np.isfinite(embedding.embed(np.zeros((40, 5)), components=None)).all()

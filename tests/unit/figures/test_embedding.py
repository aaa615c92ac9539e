"""UMAP."""

import numpy as np

from outofsample.figures import embedding


def test_umap_is_the_same_each_time_and_parts_what_is_apart():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 60)) + 30 * np.repeat([0, 1], 40)[:, None]
    first, second = embedding.embed(X), embedding.embed(X)
    assert first.shape == (80, 2) and np.array_equal(first, second)
    centres = first[:40].mean(axis=0), first[40:].mean(axis=0)
    assert np.linalg.norm(centres[0] - centres[1]) > 2 * first[:40].std()
    # A layer that has collapsed still has an embedding.
    assert np.isfinite(embedding.embed(np.zeros((40, 5)), components=None)).all()

"""UMAP, and how well labels mix."""

import numpy as np
import pytest

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


def test_mixing_is_one_for_shuffled_labels_and_zero_for_what_lies_apart():
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(800, 3)), np.repeat(["a", "b"], 400)
    assert embedding.mixing(X, labels) == pytest.approx(1, abs=0.05)
    assert embedding.mixing(X + 100 * (labels == "a")[:, None], labels) == 0
    assert np.isnan(embedding.mixing(X, np.repeat("a", 800)))


def test_mixing_within_strata_does_not_blame_a_stratum_with_one_label():
    rng = np.random.default_rng(1)
    strata = np.repeat(["x", "y"], 400)
    labels = np.where(strata == "x", "a", rng.choice(["a", "b"], 800))
    X = rng.normal(size=(800, 3)) + 100 * (strata == "x")[:, None]
    assert embedding.mixing(X, labels, strata) == pytest.approx(1, abs=0.06)
    assert embedding.mixing(X, labels) < 0.85

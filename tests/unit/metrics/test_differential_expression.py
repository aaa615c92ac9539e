"""Scores of differentially expressed genes: cell-eval's numbers, known answers, and reasons for no number."""

import math

import numpy as np
import pytest

from outofsample.metrics import differential_expression as module
from outofsample.metrics.families import TOO_FEW, Populations, Settings
from outofsample.metrics.response import ResponseFeatures

GENES = 260
#: What cell-eval 0.8.2 says of `simulated`; benchmarks/changed_genes.py compares on a study.
OF_CELL_EVAL = {
    "half right": (0.7860712429469333, 0.6842105263157895, 0.6842105263157895, 18 / 28, 18 / 28, 0.35938141844691185),
    "right": (0.9657519068233356, 0.8620689655172413, 0.8620689655172413, 24 / 28, 1, 0.9600437876299945),
    "shift": (0.15409199768107074, 0.18055555555555555, 0.26, 13 / 28, 1, 0.9874110563765737),
    "no change": (28 / GENES, 0, 0, 0, 0, math.nan),
}
ALL_GENES = ResponseFeatures(np.arange(GENES), np.zeros(GENES, dtype=bool), np.arange(GENES))


def simulated() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return query, truth and predictions: logarithms of counts of genes of which three in ten change."""
    rng = np.random.default_rng(17)
    mean = rng.gamma(0.5, 1, size=GENES)
    fold = np.where(rng.random(GENES) < 0.3, rng.normal(0, 1.2, size=GENES), 0)

    def draw(cells, rate):
        return np.log1p(rng.poisson(rate, size=(cells, GENES))).astype(np.float32)

    X, Y = draw(70, mean), draw(60, mean * np.exp(fold))
    predicted = {
        "half right": draw(70, mean * np.exp(np.where(np.arange(GENES) % 2, fold, -fold / 2))),
        "right": draw(70, mean * np.exp(fold)),
        "no change": X,
        "shift": np.maximum(X + Y.mean(axis=0) - X.mean(axis=0), 0),
    }
    return X, Y, predicted


def scorer(X, Y, S=None, T=None) -> module.DifferentialExpressionScores:
    S, T = X if S is None else S, X if T is None else T
    return module.DifferentialExpressionScores(Populations(S, T, X, Y, ALL_GENES), Settings())


@pytest.mark.parametrize("name", OF_CELL_EVAL)
def test_the_scores_are_cell_eval_s(name):
    X, Y, predicted = simulated()
    scores = scorer(X, Y).score(predicted[name])
    assert tuple(scores) == module.DifferentialExpressionScores.scores
    np.testing.assert_allclose([score.value for score in scores.values()][:-1], OF_CELL_EVAL[name], rtol=1e-6)


def test_halves_of_the_truth_are_scored_against_each_other():
    X, Y, _ = simulated()
    family = scorer(X, Y)
    halves, whole = family.score_halves(Y[:30], Y[30:]), scorer(X, Y[30:]).score(Y[:30])
    assert halves == whole and 0.5 < halves["pr_auc"].value < 1
    # A half against itself is perfect.
    assert family.score_halves(Y[:30], Y[:30])["overlap_at_N"].value == 1


def test_data_without_genes_or_truth_have_no_such_scores():
    X, Y, _ = simulated()
    few = Populations(X, X, X, Y, ResponseFeatures(np.arange(3), np.zeros(3, dtype=bool)))
    for cells in (few, Populations(X, X, X, None)):
        family = module.DifferentialExpressionScores(cells, Settings())
        assert family.score(X) == family.score_halves(X, X) == {}


def notes(X, Y, predicted) -> dict[str, str]:
    scores = scorer(X, Y).score(predicted)
    assert all(math.isnan(score.value) == bool(score.note) for score in scores.values())
    return {name: score.note for name, score in scores.items()}


def test_scores_without_a_value_have_a_reason():
    X, Y, predicted = simulated()
    assert set(notes(X, Y[:1], X).values()) == {TOO_FEW}
    assert set(notes(X, X, X).values()) == {module.NO_GENE}
    assert notes(X, Y, X)["de_spearman_lfc_sig"] == module.ALIKE
    assert notes(X, X + 1, X)["pr_auc"] == module.ALL_GENES
    # Values below zero, and raw counts, have no fold changes; the test needs none.
    for values in (X - 1, 20 * X):
        found = notes(values, values + Y.mean(axis=0) - X.mean(axis=0), predicted["right"])
        assert found["overlap_at_N"] == found["de_direction_match"] == module.NO_LOGARITHMS
        assert found["specific_found"] == ""


def test_fold_changes_are_of_means_of_counts():
    found = module.fold_changes(np.log1p([3.0, 1, 0, 0, 2]), np.log1p([1.0, 1, 1, 0, 0]))
    np.testing.assert_allclose(found, [math.log2(3), 0, -np.inf, 0, np.inf])
    assert module.fold_changes(np.array([-0.5]), np.array([0.5])).tolist() == [0]


class TestSpecificGenes:
    """Ten genes change alone in the query's domain, ten others everywhere."""

    CHANGE = np.repeat([2.0, 1.0, 0.0], [10, 10, GENES - 20])
    ELSEWHERE = np.repeat([0.0, 1.0, 0.0], [10, 10, GENES - 20])
    TRUTH = module.Expression(np.where(CHANGE > 0, 1e-4, 1), CHANGE, CHANGE)

    def found(self, change) -> float:
        return module.specific_found(change, self.TRUTH, self.ELSEWHERE)

    def test_the_right_change_finds_all_and_that_of_others_none(self):
        assert self.found(self.CHANGE) == 1
        assert self.found(self.ELSEWHERE) == self.found(self.ELSEWHERE + 1e-6) == 0

    def test_half_of_them_count_half(self):
        assert self.found(np.where(np.arange(GENES) < 5, self.CHANGE, self.ELSEWHERE)) == 0.5

    def test_the_wrong_direction_does_not_count(self):
        assert self.found(-self.CHANGE) == 0

    def test_genes_that_depart_without_reason_take_places(self):
        # No change at all departs on the ten genes that change everywhere, and nowhere else.
        assert self.found(np.zeros(GENES)) == 0
        wrong = np.where(np.arange(GENES) >= GENES - 10, 3.0, self.CHANGE)
        assert self.found(wrong) == 0

    def test_without_a_specific_gene_there_is_no_share(self):
        assert math.isnan(module.specific_found(self.CHANGE, self.TRUTH, self.CHANGE))


def test_the_domain_s_own_genes_are_found_through_the_family():
    X, Y, predicted = simulated()
    # Elsewhere nothing changes, so every changed gene is specific.
    scores = scorer(X, Y).score(predicted["right"])
    assert scores["specific_found"].value > 0.7 > scorer(X, Y).score(predicted["half right"])["specific_found"].value
    # Elsewhere the same changes, so none is.
    assert scorer(X, Y, X, Y).score(predicted["right"])["specific_found"].note == module.NONE_SPECIFIC

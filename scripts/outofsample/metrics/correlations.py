"""Correlations over features. All functions take arrays (..., features) and return arrays (...)."""

import numpy as np


def pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson correlation over the last axis: sum(a' b') / sqrt(sum(a'^2) sum(b'^2)), a' = a - mean(a).

    ``a`` and ``b`` have shape (..., features), the result (...). A constant has no correlation: the result is NaN
    there (without a warning).

    Raises
    ------
    ValueError
        If the numbers of features differ.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"cannot correlate {a.shape[-1]} with {b.shape[-1]} features")
    # Compared as they are: after subtracting a rounded mean, a constant would be noise and not zero.
    constant = (a.max(-1) == a.min(-1)) | (b.max(-1) == b.min(-1))
    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    # Scaled before squaring, so that changes as small as 1e-200 do not vanish.
    scale_a, scale_b = np.abs(a).max(-1, keepdims=True), np.abs(b).max(-1, keepdims=True)
    a, b = a / np.where(scale_a > 0, scale_a, 1), b / np.where(scale_b > 0, scale_b, 1)
    norm = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    constant = constant | (norm == 0)
    return np.where(constant, np.nan, np.clip((a * b).sum(-1) / np.where(constant, 1, norm), -1, 1))


def r2(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared `pearson`: what trVAE's figures call R2 (Figs. 5 and 6), which is no coefficient of determination."""
    return pearson(a, b) ** 2


def spike_in_r(source: np.ndarray, target: np.ndarray, query: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Neuron Editing 2020, Table 2: pearson(median T - median S, median prediction - median X).

    Arguments are medians (..., features). It needs no truth, and a shift of each marker by median T - median S
    scores exactly 1: it says whether the change is the one seen in the spike-ins, not whether it is right for X.
    """
    return pearson(target - source, predicted - query)


def change_r(query: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Correlation of applied and true change: pearson(prediction - X, Y - X), of medians or of means (..., features).

    Neither paper has it. Correlations of raw means are near 1 for anything that returns X; this one is not.
    """
    return pearson(predicted - query, truth - query)


def summary_r(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Neuron Editing 2020, Table 3: pearson of predicted and real means, or of variances (..., features)."""
    return pearson(predicted, truth)

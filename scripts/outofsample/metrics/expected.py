"""What can be expected of a prediction, from what the method predicts for domains that it was not fitted to.

Both intervals take the query for one more domain of the same kind as those held out. Its truth takes no part.
"""

from typing import NamedTuple

import numpy as np

from outofsample.arrays import HeldOut

#: The share of truths that an interval is meant to hold.
LEVEL = 0.8
#: The score that stands in files of scores for the mean error over domains that were held out, with the interval.
EXPECTED = "expected_error"
#: A domain counts as moved by at least this share of what the median domain is: of cells that hardly move the ratio
#: says nothing, and one such domain would decide how wide the interval is.
LEAST_MOVED = 0.1
#: Features from which the spread of variances over features is estimated; with fewer each has its own variance.
LEAST_FEATURES = 3


class Interval(NamedTuple):
    """Lower and upper ends: numbers, or arrays (features,)."""

    low: np.ndarray | float
    high: np.ndarray | float


def error_interval(errors: np.ndarray, held_out: HeldOut, level: float = LEVEL) -> Interval:
    """Return where an energy distance to the query's truth is expected, from those of the domains.

    Errors grow with the change, more slowly: they are compared per square root of how far the prediction moves the
    cells, m_k for domain k and m for the query, which is known without any truth. With r_k = sqrt(e_k / sqrt(m_k)), the
    interval is that of one more observation (Student's prediction interval), mean(r) +- t sd(r) sqrt(1 + 1/K), squared
    and times sqrt(m); t is the quantile with K - 1 degrees of freedom. No m_k counts as less than `LEAST_MOVED` of the
    median m_k. Where the query is moved less than that, or half of the domains not at all, all m count as 1.

    Parameters
    ----------
    errors
        Array (domains,) of energy distances: ``held_out.errors``, or ``held_out.unchanged`` for doing nothing.
    held_out
        How far at least two domains, and the query, are moved.
    level
        The share of truths that it is meant to hold.
    """
    from scipy.stats import t

    moved, scale = np.ones(len(errors)), 1.0
    least = LEAST_MOVED * np.median(held_out.moved)
    if least > 0 and held_out.query_moved >= least:
        moved, scale = np.sqrt(np.maximum(held_out.moved, least)), np.sqrt(held_out.query_moved)
    roots = np.sqrt(np.maximum(errors, 0) / moved)
    half = t.ppf((1 + level) / 2, len(roots) - 1) * roots.std(ddof=1) * np.sqrt(1 + 1 / len(roots))
    low, high = max(roots.mean() - half, 0), roots.mean() + half
    return Interval(float(low**2 * scale), float(high**2 * scale))


def change_intervals(change: np.ndarray, held_out: HeldOut, scale: np.ndarray, level: float = LEVEL) -> Interval:
    """Return where the change of each feature's mean is expected: ``change`` +- a multiple of its residuals' size.

    With r_kj the residual (measured - predicted change, by ``scale``) of domain k and feature j, the size s_j of a
    feature's residuals is the root of their mean square over domains, moderated over features
    (`moderated_variances`). The multiple is the ``level`` quantile, over all domains and features, of abs(r_kj) /
    s_j(-k), where s_j(-k) is made without domain k: what residuals come to beside a size that they took no part in.
    So the share of features that such intervals hold is right on average over domains, also with heavy tails.

    Parameters
    ----------
    change
        Array (features,): the predicted change of the query's mean.
    held_out
        Residuals of at least two domains.
    scale
        Array (features,) of positive numbers, as standard deviations: makes features comparable.
    level
        The share of truths that they are meant to hold.
    """
    residuals = (held_out.measured - held_out.predicted) / scale
    ratios = []
    for number, left_out in enumerate(residuals):
        size = np.sqrt(moderated_variances(np.delete(residuals, number, axis=0)))
        ratios.append(np.divide(np.abs(left_out), size, out=np.zeros_like(left_out), where=size > 0))
    half = np.quantile(ratios, level) * np.sqrt(moderated_variances(residuals)) * scale
    return Interval(change - half, change + half)


def moderated_variances(residuals: np.ndarray) -> np.ndarray:
    """Return mean squares (features,) of residuals (domains, features), each drawn towards what all features have.

    Smyth 2004 (Stat. Appl. Genet. Mol. Biol. 3, 3), with d degrees of freedom, the number of domains, since residuals
    are taken around zero: (d_0 s_0^2 + d s_j^2) / (d_0 + d), where d_0 and s_0^2 are fitted to the mean and the
    variance of log s_j^2 over features. Few domains say little of one feature: its residuals can be small by chance.
    """
    from scipy.special import digamma, polygamma

    domains, variances = len(residuals), (residuals**2).mean(axis=0)
    varying = variances > np.finfo(np.float32).eps * variances.max(initial=0)
    if varying.sum() < LEAST_FEATURES:
        return variances
    logs = np.log(variances[varying]) - digamma(domains / 2) + np.log(domains / 2)
    excess = logs.var(ddof=1) - polygamma(1, domains / 2)
    if excess <= 0:
        return np.full_like(variances, np.exp(logs.mean()))
    prior = 2 * inverse_trigamma(max(excess, 1e-9))
    typical = np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2))
    return (prior * typical + domains * variances) / (prior + domains)


def inverse_trigamma(value: float) -> float:
    """Return x with trigamma(x) = value, for a value above 0."""
    from scipy.optimize import brentq
    from scipy.special import polygamma

    # trigamma falls, from about 1/x^2 near zero to 1/x far away.
    return float(np.exp(brentq(lambda logarithm: polygamma(1, np.exp(logarithm)) - value, -30, 30)))

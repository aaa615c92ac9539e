"""Losses against slow transcriptions of their formulas, in float64."""

import math

import numpy as np
import pytest
import torch

from outofsample.models.families.conditional import WIDTHS
from outofsample.training import losses


def tensor(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def kernel_loop(x, y, widths):
    """Mean over all pairs of the mean over widths of exp(-d^2 / (2 s)): two loops over rows."""
    total = 0.0
    for a in x.tolist():
        for b in y.tolist():
            d2 = sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
            total += sum(math.exp(-d2 / (2 * s)) for s in widths) / len(widths)
    return total / (len(x) * len(y))


def mmd_loop(x, y, widths):
    return kernel_loop(x, x, widths) + kernel_loop(y, y, widths) - 2 * kernel_loop(x, y, widths)


def test_widths_are_those_of_the_published_code():
    assert len(WIDTHS) == 19
    assert WIDTHS[:6] == (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    assert WIDTHS[-4:] == (1e3, 1e4, 1e5, 1e6)


@pytest.mark.parametrize("widths", [WIDTHS, (1.0,), (0.5, 20.0)])
def test_mmd_is_the_double_loop(widths):
    x, y = tensor(7, 3), tensor(5, 3, seed=1) + 0.5
    assert losses.mmd(x, y, widths).item() == pytest.approx(mmd_loop(x, y, widths), rel=1e-10)


@pytest.mark.parametrize("sizes", [(6, 5), (4, 3, 5, 6), (4, 0, 5, 6), (0, 4)], ids=str)
def test_pairwise_mmd_sums_over_all_pairs_that_are_there(sizes):
    parts = [tensor(size, 3, seed=number) + number for number, size in enumerate(sizes)]
    condition = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    found = losses.pairwise_mmd(torch.cat(parts), condition, len(sizes), WIDTHS)
    expected = sum(
        mmd_loop(parts[i], parts[j], WIDTHS)
        for i in range(len(sizes))
        for j in range(i + 1, len(sizes))
        if sizes[i] and sizes[j]
    )
    assert found.item() == pytest.approx(expected, rel=1e-10)


def test_mmd_does_not_depend_on_the_order_of_cells():
    x, condition = tensor(9, 3), torch.tensor([0, 1, 2] * 3)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    one = losses.pairwise_mmd(x, condition, 3, WIDTHS)
    assert one.item() == pytest.approx(losses.pairwise_mmd(x[order], condition[order], 3, WIDTHS).item())


def test_gradient_of_the_kernel_is_right():
    x = tensor(5, 3).requires_grad_()
    y = tensor(4, 3, seed=1)
    assert torch.autograd.gradcheck(lambda x: losses.mmd(x, y, (0.5, 2.0, 100.0)), (x,))


def test_squared_distances_are_those_of_cdist():
    x, y = tensor(6, 4), tensor(5, 4, seed=1)
    torch.testing.assert_close(losses.squared_distances(x, y), torch.cdist(x, y) ** 2)


def test_squared_error_is_a_sum_over_features_and_a_mean_over_cells():
    x, y = tensor(4, 3), tensor(4, 3, seed=1)
    expected = sum(0.5 * sum((x[i, j] - y[i, j]) ** 2 for j in range(3)) for i in range(4)) / 4
    assert losses.squared_error(x, y).item() == pytest.approx(expected.item())


def test_kl_is_a_mean_over_units_and_cells():
    mean, log_variance = tensor(4, 3), tensor(4, 3, seed=1)
    expected = 0.0
    for m, v in zip(mean.ravel().tolist(), log_variance.ravel().tolist(), strict=True):
        expected += 0.5 * (m**2 + math.exp(v) - 1 - v) / 12
    assert losses.kl_standard_normal(mean, log_variance).item() == pytest.approx(expected)
    assert losses.kl_standard_normal(torch.zeros(2, 2), torch.zeros(2, 2)).item() == 0


def test_gaussian_likelihood_is_scipys():
    from scipy.stats import norm

    x, mean, log_variance = tensor(4, 3), tensor(4, 3, seed=1), tensor(4, 3, seed=2)
    full = -norm.logpdf(x.numpy(), mean.numpy(), np.exp(0.5 * log_variance.numpy())).sum(1).mean()
    constant = 3 * 0.5 * math.log(2 * math.pi)
    assert losses.gaussian_nll(x, mean, log_variance).item() == pytest.approx(full - constant)


def test_negative_binomial_likelihood_is_scipys():
    from scipy.stats import nbinom

    rng = np.random.default_rng(0)
    counts, mean, dispersion = rng.poisson(3, (5, 4)), rng.gamma(2, 2, (5, 4)), rng.gamma(2, 1, 4)
    expected = -nbinom.logpmf(counts, dispersion, dispersion / (dispersion + mean)).sum(1).mean()
    found = losses.negative_binomial_nll(*(torch.from_numpy(np.asarray(a, float)) for a in (counts, mean, dispersion)))
    assert found.item() == pytest.approx(expected, rel=1e-6)

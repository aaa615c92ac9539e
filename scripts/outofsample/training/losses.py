"""Losses of the networks, in torch. Each says over which axes it is summed and averaged.

The papers' published code changed between versions in exactly this, and so changed the weights of its terms: every
function here has a slow transcription of its formula in the tests.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from itertools import combinations

import torch
from torch import Tensor

#: Below it the exponential function of torch takes ten times as long, to return less than 1e-37.
SMALLEST_EXPONENT = -87.0


def in_float32(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Compute a loss in float32 also where the layers before it compute in bfloat16 (`precision` of a network).

    With 8 bits of mantissa a sum over cells stops growing, and near cells have no distance.
    """

    @wraps(loss)
    def computed(first: Tensor, *others, **options) -> Tensor:
        if not torch.is_autocast_enabled(first.device.type):
            return loss(first, *others, **options)
        with torch.autocast(first.device.type, enabled=False):
            others = [
                other.float() if isinstance(other, Tensor) and other.is_floating_point() else other for other in others
            ]
            return loss(first.float(), *others, **options)

    return computed


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Return squared Euclidean distances (n, m) between rows of x (n, d) and y (m, d).

    By the binomial formula, as one matrix product: several times faster than `torch.cdist`, and never negative.
    """
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1)[None, :]
    return (squares - 2 * x @ y.T).clamp_min(0)


def kernel(x: Tensor, y: Tensor, widths: Sequence[float]) -> Tensor:
    """Return the kernel matrix (n, m): the mean over widths s of exp(-d^2 / (2 s)) (trVAE, Eq. 5)."""
    return _MeanOfExponentials.apply(squared_distances(x, y), tuple(widths))


class _MeanOfExponentials(torch.autograd.Function):
    """Mean over widths s of exp(-d / (2 s)) for a matrix d, with its derivative found in the same pass.

    With 19 widths this is most of a training step of trVAE; automatic differentiation would keep 19 matrices and
    go over them twice more.
    """

    @staticmethod
    def forward(ctx, distances: Tensor, widths: tuple[float, ...]) -> Tensor:
        """Return the matrix of means."""
        total, slope = torch.zeros_like(distances), torch.zeros_like(distances)
        part = torch.empty_like(distances)
        for width in widths:
            torch.mul(distances, -0.5 / width, out=part).clamp_min_(SMALLEST_EXPONENT).exp_()
            total += part
            slope.add_(part, alpha=-0.5 / width)
        ctx.save_for_backward(slope.div_(len(widths)))
        return total.div_(len(widths))

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient with respect to the distances."""
        return gradient * ctx.saved_tensors[0], None


@in_float32
def mmd(x: Tensor, y: Tensor, widths: Sequence[float]) -> Tensor:
    """Return the biased estimate of the squared maximum mean discrepancy of x (n, d) and y (m, d) (trVAE, Eq. 4)."""
    return kernel(x, x, widths).mean() + kernel(y, y, widths).mean() - 2 * kernel(x, y, widths).mean()


@in_float32
def pairwise_mmd(x: Tensor, condition: Tensor, conditions: int, widths: Sequence[float]) -> Tensor:
    """Return the sum of `mmd` over all pairs of conditions that the batch holds.

    Parameters
    ----------
    x
        Activations (cells, units).
    condition
        Number of the condition of each cell (cells,).
    conditions
        How many conditions there are.

    Notes
    -----
    One kernel matrix of the whole batch serves all pairs. The published code compares neighbouring conditions alone;
    a condition that the batch lacks takes part in no pair.
    """
    present = torch.nn.functional.one_hot(condition, conditions).to(x.dtype)
    size = present.sum(0)
    mean = present / size.clamp_min(1)
    # The mean of the kernel between conditions i and j, for all i and j at once: (conditions, conditions).
    between = mean.T @ kernel(x, x, widths) @ mean
    there = size > 0
    total = x.new_zeros(())
    for i, j in combinations(range(conditions), 2):
        total = total + (between[i, i] + between[j, j] - 2 * between[i, j]) * (there[i] & there[j])
    return total


@in_float32
def squared_error(x: Tensor, reconstruction: Tensor) -> Tensor:
    """Return half the squared error, summed over features and averaged over cells (trVAE's reconstruction term)."""
    return 0.5 * ((x - reconstruction) ** 2).sum(1).mean()


@in_float32
def kl_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return half the mean over units and cells of mean^2 + variance - 1 - log variance.

    The divergence of N(mean, variance) from N(0, 1) averaged over the latent units, as trVAE's saved results were
    trained; multiply by the number of units for the divergence itself.
    """
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()


@in_float32
def gaussian_nll(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the negative log-likelihood of N(mean, variance), summed over features and averaged over cells.

    Without the constant; with variance 1 it is `squared_error`.
    """
    return 0.5 * ((x - mean) ** 2 * (-log_variance).exp() + log_variance).sum(1).mean()


@in_float32
def negative_binomial_nll(counts: Tensor, mean: Tensor, dispersion: Tensor) -> Tensor:
    """Return the negative log-likelihood of a negative binomial, summed over features and averaged over cells.

    ``mean`` (cells, features) is positive, ``dispersion`` (features,) is the inverse overdispersion: the variance is
    mean + mean^2 / dispersion.
    """
    total = dispersion + mean
    likelihood = (
        torch.lgamma(counts + dispersion)
        - torch.lgamma(dispersion)
        - torch.lgamma(counts + 1)
        + dispersion * (dispersion.log() - total.log())
        + counts * ((mean + 1e-8).log() - total.log())
    )
    return -likelihood.sum(1).mean()

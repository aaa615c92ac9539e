"""Which cells of one population are shown as what cells of another become."""

import torch
from torch import Tensor

from outofsample.training.losses import squared_distances


@torch.no_grad()
def partners(source: Tensor, target: Tensor) -> Tensor:
    """Return for each source cell (cells, units) the row of its target cell; every row once.

    Among all ways to pair two batches of the same size it has the least sum of squared distances. The exact transport
    plan between as many cells of the same weight is such a pairing (Birkhoff); scipy finds it in half of POT's time.
    """
    from scipy.optimize import linear_sum_assignment

    cost = squared_distances(source.float(), target.float()).cpu().numpy()
    return torch.from_numpy(linear_sum_assignment(cost)[1]).to(source.device)


def drawn_rows(first: Tensor, end: Tensor) -> Tensor:
    """Return for each cell (cells,) a row drawn at random from ``first`` on and before ``end``, both (cells,)."""
    count = end - first
    return first + (torch.rand(len(count)).to(count.device) * count).long().clamp_max(count - 1)

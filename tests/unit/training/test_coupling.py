"""Pairing the cells of two batches."""

import numpy as np
import ot
import torch

from outofsample.training.coupling import drawn_rows, partners


def test_pairs_are_the_exact_transport_plan():
    source, target = (torch.randn(40, 3, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    rows = partners(source, target)
    assert sorted(rows.tolist()) == list(range(40))
    plan = ot.emd([], [], ot.dist(source.numpy(), target.numpy()))
    np.testing.assert_array_equal(rows.numpy(), plan.argmax(axis=1))


def test_on_a_line_the_order_is_kept():
    source, target = torch.tensor([[0.0], [5.0], [1.0]]), torch.tensor([[12.0], [11.0], [10.0]])
    assert target[partners(source, target)].ravel().tolist() == [10.0, 12.0, 11.0]


def test_rows_are_drawn_from_their_own_range():
    torch.manual_seed(0)
    first, end = torch.tensor([0, 3, 7]).repeat(300), torch.tensor([3, 7, 8]).repeat(300)
    rows = drawn_rows(first, end)
    assert ((rows >= first) & (rows < end)).all()
    assert rows.unique().tolist() == list(range(8))

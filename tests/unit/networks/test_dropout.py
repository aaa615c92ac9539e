"""Our dropout: shares, scale, gradients, and torch's own behaviour where it does not draw."""

import pytest
import torch

from outofsample.networks.dropout import Dropout


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("shape", [(301, 1001), (7, 3, 97, 101)])
def test_drops_the_share_and_scales_the_rest(share, shape):
    torch.manual_seed(0)
    values = Dropout(share)(torch.ones(shape))
    assert set(values.unique().tolist()) == {0.0, torch.tensor(1 / (1 - share)).item()}
    # Four standard deviations of a share of 200,000 and more.
    assert (values == 0).float().mean().item() == pytest.approx(share, abs=0.0045)


def test_activations_are_dropped_independently():
    torch.manual_seed(0)
    dropped = (Dropout(0.5)(torch.ones(50_000, 8)) == 0).float()
    correlations = torch.corrcoef(dropped.T) - torch.eye(8)
    assert correlations.abs().max() < 0.02
    assert not torch.equal(dropped, (Dropout(0.5)(torch.ones(50_000, 8)) == 0).float())


def test_gradients_are_those_of_the_mask_and_the_seed_decides():
    x = torch.randn(40, 30, requires_grad=True)
    torch.manual_seed(3)
    first = Dropout(0.3)(x)
    first.sum().backward()
    torch.testing.assert_close(x.grad, first.detach() / x.detach())
    torch.manual_seed(3)
    assert torch.equal(first, Dropout(0.3)(x))


def test_nothing_is_dropped_when_predicting_and_everything_at_1():
    x = torch.randn(5, 3)
    assert torch.equal(Dropout(0.4).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
    assert not Dropout(1.0)(x).any()

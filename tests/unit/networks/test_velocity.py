"""The velocity field and its integration."""

import pytest
import torch

from outofsample.networks.velocity import Flow


class Turning(Flow):
    """dz/dt = A z with a known solution: a quarter of a turn in unit time."""

    def velocity(self, z, time, context=None):
        return z @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=z.dtype) * torch.pi / 2


class Growing(Flow):
    """dz/dt = 4 t^3, which ends one further on: the field is asked at the right times."""

    def velocity(self, z, time, context=None):
        return (4 * time**3).expand_as(z)


def test_nothing_moves_before_the_training():
    z = torch.randn(6, 3)
    assert torch.equal(Flow(3, 0, (8, 8), 4)(z), z)


@pytest.mark.parametrize(("steps", "most"), [(2, 5e-3), (10, 1e-5)])
def test_integration_is_of_fourth_order(steps, most):
    z = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    end = Turning(2, 0, (4,), steps)(z)
    assert (end - torch.tensor([[0.0, 1.0]], dtype=torch.float64)).abs().max() < most


def test_the_field_is_asked_at_the_right_times():
    z = torch.zeros(2, 1, dtype=torch.float64)
    torch.testing.assert_close(Growing(1, 0, (4,), 3)(z), z + 1)


def test_the_context_reaches_the_field():
    torch.manual_seed(0)
    flow = Flow(2, 1, (8,), 2)
    torch.nn.init.ones_(flow.layers[-1].weight)
    z = torch.zeros(3, 2)
    assert not torch.allclose(flow(z, torch.zeros(3, 1)), flow(z, torch.ones(3, 1)))

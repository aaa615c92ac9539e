"""The latent additive network."""

import pytest
import torch

from outofsample.networks.additive import AdditiveNetwork


def test_codes_differ_by_the_effects_alone():
    torch.manual_seed(0)
    network = AdditiveNetwork(5, 3, (8,), 4, 0.0, False)
    torch.nn.init.normal_(network.effect)
    x, zero = torch.randn(6, 5), torch.zeros(6, dtype=torch.long)
    _, before = network(x, zero, zero)
    after, code = network(x, zero, zero + 2)
    torch.testing.assert_close(before, network.encoder(x))
    torch.testing.assert_close(code - before, (network.effect[2] - network.effect[0]).expand(6, 4))
    torch.testing.assert_close(after, network.decoder(code))


@pytest.mark.parametrize("nonnegative", [True, False])
def test_the_output_is_cut_off_where_the_data_are(nonnegative):
    torch.manual_seed(0)
    network = AdditiveNetwork(5, 2, (8,), 4, 0.0, nonnegative)
    assert (network.decode(5 * torch.randn(200, 4)).min() >= 0) == nonnegative

"""Input-convex networks and their gradients."""

import torch

from outofsample.networks.convex import ConvexNetwork, GradientMap, Shifted


def shaken(seed: int = 0) -> ConvexNetwork:
    """Return a network as far from its start as a training takes it."""
    torch.manual_seed(seed)
    network = ConvexNetwork(4, (8, 8), 0.2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += torch.randn_like(parameter)
    return network


def gaps(network: ConvexNetwork) -> torch.Tensor:
    """Return how far the function lies below its chords (pairs of cells,)."""
    one, other, share = 3 * torch.randn(500, 4), 3 * torch.randn(500, 4), torch.rand(500, 1)
    between = network(share * one + (1 - share) * other)
    return share.squeeze(1) * network(one) + (1 - share.squeeze(1)) * network(other) - between


def test_it_is_convex_without_negative_weights():
    network = shaken()
    assert network.negative() > 0
    assert gaps(network).min() < -1e-3
    network.make_convex()
    assert network.negative() == 0
    assert gaps(network).min() > -1e-4


def test_its_gradient_starts_near_the_identity():
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    moved = GradientMap(ConvexNetwork(4, (16, 16), 0.2))(x)
    assert ((moved - x) ** 2).mean() < 0.01


def test_the_map_is_the_gradient():
    network, x, step = shaken().double(), torch.randn(5, 4, dtype=torch.float64), 1e-6
    moved = GradientMap(network)(x)
    for unit in range(4):
        ahead, behind = x.clone(), x.clone()
        ahead[:, unit] += step
        behind[:, unit] -= step
        torch.testing.assert_close(
            moved[:, unit], (network(ahead) - network(behind)) / (2 * step), rtol=1e-4, atol=1e-5
        )


def test_the_map_keeps_a_graph_only_where_gradients_are_wanted():
    transport, x = GradientMap(shaken()), torch.randn(5, 4)
    assert transport(x).requires_grad
    with torch.no_grad():
        assert not transport(x).requires_grad


def test_a_shifted_map_moves_one_mean_onto_the_other():
    moved = Shifted(torch.nn.Identity(), 2)
    moved.before.copy_(torch.tensor([1.0, 2.0]))
    moved.after.copy_(torch.tensor([5.0, 0.0]))
    assert moved(torch.tensor([[1.0, 3.0]])).tolist() == [[5.0, 1.0]]

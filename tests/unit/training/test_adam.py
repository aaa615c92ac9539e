"""Our Adam against that of torch."""

import torch
from torch import nn

from outofsample.training.adam import Adam


def test_adam_moves_parameters_as_that_of_torch_does():
    torch.manual_seed(0)
    start = [torch.randn(7, 3), torch.randn(5), torch.randn(2)]
    ours, theirs = ([nn.Parameter(values.clone()) for values in start] for _ in range(2))
    adam = Adam(ours, learning_rate=0.01, betas=(0.5, 0.9))
    reference = torch.optim.Adam(theirs, lr=0.01, betas=(0.5, 0.9), fused=True)
    for step in range(30):
        if step == 15:
            state, adam = adam.state_dict(), Adam(ours, learning_rate=1.0, betas=(0.5, 0.9))
            adam.load_state_dict(state)
        for parameters, optimizer in ((ours, adam), (theirs, reference)):
            # The last parameter has no gradient and must stay.
            loss = ((parameters[0] * (step + 1)) ** 2).mean() + parameters[1].abs().sum()
            adam.zero_gradients() if optimizer is adam else reference.zero_grad()
            loss.backward()
            optimizer.step()
    for own, other, before in zip(ours, theirs, start, strict=True):
        assert torch.equal(own, other)
        assert torch.equal(own, before) == (before is start[2])

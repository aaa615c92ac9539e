"""Small trainings."""

import numpy as np
import torch
from torch import nn

from outofsample import registry
from outofsample.training.budget import Budget
from outofsample.training.loop import train
from outofsample.training.player import Player
from outofsample.training.run import Run
from tests.conftest import planted

TINY = {"hidden": (12, 8), "latent": 4, "epochs": 6, "batch_size": 20, "patience": None}


def fit(seed=0, run=Run(), **settings):
    data, _ = planted()
    return registry.create("models", "autoencoder", {**TINY, **settings}).fit(data, seed, run)


def weights(model) -> np.ndarray:
    return np.concatenate([value.numpy().ravel() for value in model.state()["network"].values()])


class Scale(nn.Module):
    """One weight, for trainings whose course is known."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))


def run_scale(terms, epochs=50, patience=None, **player):
    network = Scale()
    history = train(
        network,
        [Player("train", list(network.parameters()), lambda batches: {"loss": terms(network, batches)}, **player)],
        [{"x": torch.ones(40, 1)}],
        Budget(epochs, batch_size=20, patience=patience),
        seed=0,
    )
    return network, history

"""The autoencoder of Neuron Editing (Sections 2 and 3), trained on S, T and X together."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.base import Representation
from outofsample.models.families.neural import NetworkSettings, NeuralModel


@dataclass(frozen=True)
class Settings(NetworkSettings):
    """Hyper-parameters; the defaults are the papers', but for what they leave open (``docs/choices.md``).

    Attributes
    ----------
    hidden, latent, leak
        Widths of the encoder's hidden layers (the decoder mirrors them) and of the edited layer; leak of the ReLU.
    sampling
        ``balanced``: each step takes a batch from each of S, T and X; ``pooled``: one batch from all cells together.
    edited_layer
        ``after`` the activation of the latent layer (the papers' activations), or ``before`` it.
    filters
        Filter numbers of the strided convolutions, for images (the decoder mirrors them); the last feature map is the
        edited layer. ``hidden`` and ``latent`` are for tables alone.
    """

    hidden: tuple[int, ...] = (500, 250)
    latent: int = 50
    leak: float = 0.2
    sampling: str = "balanced"
    edited_layer: str = "after"
    filters: tuple[int, ...] = (64, 128, 256)

    def __post_init__(self):
        super().__post_init__()
        self.require_at_least(1, "latent")
        self.require_widths("hidden", "filters")
        self.require_word("sampling", "balanced", "pooled")
        self.require_word("edited_layer", "after", "before")


class Model(NeuralModel, Representation):
    """Mean squared error of S, T and X: L(S, T, X) = MSE[(S, T, X), D(E(S, T, X))]."""

    Settings = Settings
    data = frozenset({"tabular", "images"})
    uses_counts = False

    def build(self, features: int):
        from outofsample.networks.convolutional import ConvolutionalAutoencoder
        from outofsample.networks.dense import DenseAutoencoder

        settings = self.settings
        before = settings.edited_layer == "before"
        if self.image_shape is not None:
            return ConvolutionalAutoencoder(self.image_shape, settings.filters, settings.leak, before)
        return DenseAutoencoder(features, settings.hidden, settings.latent, settings.leak, before)

    @property
    def latent_shape(self) -> tuple[int, int, int] | None:
        return None if self.image_shape is None else self.network.latent_shape

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        if self.settings.sampling == "pooled":
            return [np.isin(data.role, self.roles)]
        return super().groups(data)

    def players(self, network) -> list:
        import torch

        def reconstruction(batches):
            x = torch.cat([batch["x"] for batch in batches])
            return {"loss": torch.nn.functional.mse_loss(network(x), x)}

        return [self.player("train", network.parameters(), reconstruction)]

    def encode(self, X: np.ndarray, condition: str | None = None) -> np.ndarray:
        return self.apply(self.network.encode, self.scaled(X))

    def decode(self, Z: np.ndarray, condition: str | None = None) -> np.ndarray:
        return self.unscaled(self.apply(self.network.decode, Z))

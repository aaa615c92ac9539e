"""SAUCIE as trVAE's appendix has it (Table 9), and as it was run for the published figures."""

from dataclasses import dataclass, replace

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.base import Representation
from outofsample.models.families.conditional import WIDTHS
from outofsample.models.families.neural import NetworkSettings, NeuralModel


@dataclass(frozen=True)
class Settings(NetworkSettings):
    """Hyper-parameters; defaults of Table 9.

    Attributes
    ----------
    hidden, latent, leak
        Widths of the encoder's hidden layers and of the bottleneck; leak of the ReLU.
    beta
        Weight of the MMD between conditions in the bottleneck.
    widths
        Kernel widths of the MMD.
    variant
        ``corrected``: the conditions are given to encoder and decoder, and cells are decoded under the other one.
        ``as_published``: a bottleneck of 2 units, no conditions, 1,000 steps; the prediction is a reconstruction.
    """

    batch_size: int = 256
    epochs: int = 300
    patience: int | None = 20
    hidden: tuple[int, ...] = (512, 256, 128)
    latent: int = 20
    leak: float = 0.2
    beta: float = 1.0
    widths: tuple[float, ...] = WIDTHS
    variant: str = "corrected"

    def __post_init__(self):
        super().__post_init__()
        self.require_at_least(1, "latent")
        self.require_at_least(0, "beta")
        self.require_widths("hidden")
        self.require_word("variant", "corrected", "as_published")


class Model(NeuralModel, Representation):
    """An autoencoder whose bottleneck is matched across conditions by MMD.

    Table 9 gives the conditions to the encoder alone; matched activations then cannot tell the decoder which one is
    wanted. The corrected variant therefore gives them to the decoder too.
    """

    Settings = Settings
    uses_counts = False
    roles = ("source", "target", "query", "context")

    @property
    def published(self) -> bool:
        """Whether the defective published variant was asked for."""
        return self.settings.variant == "as_published"

    def build(self, features: int):
        from outofsample.networks.dense import ConditionalAutoencoder

        settings = self.settings
        conditions = 0 if self.published else len(self.conditions)
        return ConditionalAutoencoder(
            features, conditions, settings.hidden, 2 if self.published else settings.latent, settings.leak
        )

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        cells = np.isin(data.role, self.roles)
        return [cells & (data.condition == condition) for condition in self.conditions]

    def budget(self, groups: int):
        budget = super().budget(groups)
        budget = replace(budget, batch_size=max(2, budget.batch_size // groups))
        return replace(budget, max_steps=1000, patience=None) if self.published else budget

    def players(self, network) -> list:
        import torch

        from outofsample.training import losses

        def terms(batches):
            x, condition = (torch.cat([batch[name] for batch in batches]) for name in ("x", "condition"))
            latent = network.encode(x, condition)
            reconstruction = torch.nn.functional.mse_loss(network.decode(latent, condition), x)
            mmd = losses.pairwise_mmd(latent, condition, len(self.conditions), self.settings.widths)
            return {"reconstruction": reconstruction, "mmd": mmd, "loss": reconstruction + self.settings.beta * mmd}

        return [self.player("train", network.parameters(), terms)]

    def encode(self, X: np.ndarray, condition: str | None = None) -> np.ndarray:
        return self.apply(self.network.encode, self.scaled(X), self.code_of(condition, len(X)))

    def decode(self, Z: np.ndarray, condition: str | None = None) -> np.ndarray:
        return self.unscaled(self.apply(self.network.decode, Z, self.code_of(condition, len(Z))))

    def translate(
        self, X: np.ndarray, source: str, target: str, sample: int | None = None, counts: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Encode cells (cells, features) under one condition and decode them under another.

        Returns ``x`` (cells, features) and ``latent`` (cells, latent); there is no noise model to sample from.
        """
        latent = self.encode(X, source)
        return {"x": self.decode(latent, target), "latent": latent}

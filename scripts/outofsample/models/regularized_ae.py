"""The regularised autoencoder of the Neuron Editing papers: source and target are matched while it is trained."""

from dataclasses import dataclass

from outofsample.models import autoencoder
from outofsample.models.families.conditional import WIDTHS


@dataclass(frozen=True)
class Settings(autoencoder.Settings):
    """Hyper-parameters, see `autoencoder.Settings`.

    Attributes
    ----------
    beta
        Weight of the MMD between S and T in the latent layer.
    widths
        Kernel widths of the MMD.
    """

    beta: float = 1.0
    widths: tuple[float, ...] = WIDTHS

    def __post_init__(self):
        super().__post_init__()
        self.require_at_least(0, "beta")
        if self.sampling != "balanced":
            raise ValueError("sampling must be 'balanced': the MMD compares the batches of source and target")


class Model(autoencoder.Model):
    """Mean squared error plus the maximum mean discrepancy of S and T in the latent layer (as SAUCIE does)."""

    Settings = Settings

    def players(self, network) -> list:
        import torch

        from outofsample.training import losses

        def terms(batches):
            # The first two groups are source and target, see `roles`.
            x = torch.cat([batch["x"] for batch in batches])
            latent = network.encode(x)
            reconstruction = torch.nn.functional.mse_loss(network.decode(latent), x)
            paired = sum(len(batch["x"]) for batch in batches[:2])
            condition = torch.cat([batch["condition"] for batch in batches[:2]])
            mmd = losses.pairwise_mmd(latent[:paired], condition, len(self.conditions), self.settings.widths)
            return {"reconstruction": reconstruction, "mmd": mmd, "loss": reconstruction + self.settings.beta * mmd}

        return [self.player("train", network.parameters(), terms)]

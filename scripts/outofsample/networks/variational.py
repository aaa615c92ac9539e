"""Conditional variational autoencoders: what all have in common, and those of trVAE's appendix, Tables 3 to 6."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from outofsample.networks.dropout import Dropout

#: Bounds of log variances: what training reaches in practice, and far from overflow.
LOG_VARIANCE = (-15.0, 15.0)


class Block(nn.Sequential):
    """Linear without bias, batch norm, leaky ReLU, dropout (Table 3: dropout 0.2, slope 0.2)."""

    def __init__(self, before: int, after: int, leak: float, dropout: float):
        super().__init__(
            nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.LeakyReLU(leak), Dropout(dropout)
        )

    def forward_matched(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the activation before dropout, where MMD is taken, and after it."""
        linear, norm, activation, dropout = self
        matched = activation(norm(linear(x)))
        return matched, dropout(matched)


def stack(widths: Sequence[int], leak: float, dropout: float) -> nn.Sequential:
    """Return blocks of these widths."""
    return nn.Sequential(*(Block(before, after, leak, dropout) for before, after in pairwise(widths)))


class VariationalNetwork(nn.Module):
    """What the conditional variational autoencoders for tables and for images share.

    ``conditions`` is the number of conditions that it knows. Besides its latent values an encoder may give activations
    that skip the bottleneck, which the decoder then takes.
    """

    conditions: int

    def one_hot(self, condition: Tensor, like: Tensor) -> Tensor:
        """Return numbers of conditions (cells,) as (cells, conditions), of the type of ``like``."""
        return nn.functional.one_hot(condition, self.conditions).to(like.dtype)

    def encode_all(self, x: Tensor, condition: Tensor) -> tuple[Tensor, ...]:
        """Return mean and log variance (cells, latent) of data (cells, features), and what skips the bottleneck."""
        raise NotImplementedError

    def decode_all(self, z: Tensor, condition: Tensor, *skipped: Tensor) -> dict[str, Tensor]:
        """Return ``x``, the matched layer ``matched``, and ``log_variance`` where the noise is Gaussian."""
        raise NotImplementedError

    def sample(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Return latent values (cells, latent) drawn from the encoder's distribution."""
        return mean + torch.randn_like(mean) * (0.5 * log_variance).exp()

    def forward(self, x: Tensor, condition: Tensor) -> dict[str, Tensor]:
        """Return `decode_all` of a latent sample, and ``mean``, ``latent_log_variance`` and ``z`` (cells, latent)."""
        mean, log_variance, *skipped = self.encode_all(x, condition)
        z = self.sample(mean, log_variance)
        output = self.decode_all(z, condition, *skipped)
        return {**output, "mean": mean, "latent_log_variance": log_variance, "z": z}


class ConditionalVAE(VariationalNetwork):
    """Encoder and decoder that are told the condition; with ``conditions`` 0 a plain variational autoencoder.

    Layers for hidden (800, 800, 128) and latent 50, Table 3 as it can be built (the printed inputs of FC-5 and of
    the output are slips):

    ========= ===================================== =======
    layer     input                                 width
    ========= ===================================== =======
    FC-1      x, condition                          800
    FC-2      FC-1                                  800
    FC-3      FC-2                                  128
    mean, var FC-3                                  50
    MMD layer z, condition                          128
    FC-4      MMD layer                             800
    FC-5      FC-4                                  800
    output    FC-5                                  features
    ========= ===================================== =======

    ``noise`` adds a second output: ``gaussian`` a log variance, ``nb`` (negative binomial) a dispersion per feature.
    ``nonnegative`` puts a ReLU on the output, as the tables do.
    """

    def __init__(
        self,
        features: int,
        conditions: int,
        hidden: Sequence[int],
        latent: int,
        leak: float = 0.2,
        dropout: float = 0.2,
        nonnegative: bool = True,
        noise: str = "none",
    ):
        super().__init__()
        self.conditions, self.noise, self.nonnegative = conditions, noise, nonnegative
        self.encoder = stack([features + conditions, *hidden], leak, dropout)
        self.mean, self.log_variance = nn.Linear(hidden[-1], latent), nn.Linear(hidden[-1], latent)
        upwards = list(reversed(hidden))
        self.matched = Block(latent + conditions, upwards[0], leak, dropout)
        self.decoder = stack(upwards, leak, dropout)
        self.output = nn.Linear(upwards[-1], features)
        if noise == "gaussian":
            self.output_log_variance = nn.Linear(upwards[-1], features)
        if noise == "nb":
            self.log_dispersion = nn.Parameter(torch.zeros(features))

    def _with_condition(self, x: Tensor, condition: Tensor) -> Tensor:
        if not self.conditions:
            return x
        return torch.cat([x, self.one_hot(condition, x)], 1)

    def encode_all(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance (cells, latent) for data (cells, features)."""
        hidden = self.encoder(self._with_condition(x, condition))
        return self.mean(hidden), self.log_variance(hidden).clamp(*LOG_VARIANCE)

    def decode_all(self, z: Tensor, condition: Tensor) -> dict[str, Tensor]:
        """Return ``x``, the matched layer ``matched``, and ``log_variance`` where the noise is Gaussian."""
        matched, hidden = self.matched.forward_matched(self._with_condition(z, condition))
        hidden = self.decoder(hidden)
        x = self.output(hidden)
        if self.noise == "nb":
            x = nn.functional.softplus(x)
        elif self.nonnegative:
            x = nn.functional.relu(x)
        result = {"x": x, "matched": matched}
        if self.noise == "gaussian":
            result["log_variance"] = self.output_log_variance(hidden).clamp(*LOG_VARIANCE)
        return result

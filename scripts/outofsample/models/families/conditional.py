"""What the variational autoencoders of trVAE's appendix share: `vae`, `cvae`, `mmd_cvae` and `trvae`."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.errors import UserError
from outofsample.models.families.base import Representation
from outofsample.models.families.neural import NetworkSettings, NeuralModel
from outofsample.training.run import Run

#: Kernel widths of trVAE's code, the s of exp(-d^2 / (2 s)).
WIDTHS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 5, 10, 15, 20, 25, 30, 35, 100, 1e3, 1e4, 1e5, 1e6)
#: beta / (eta x total variance of the data), where ``beta`` is None: with it MMD is about as much of the loss as in the
#: saved training of trVAE's authors, .26 % at its end (docs/choices.md).
AUTHORS_BETA = 0.05
#: Cells, at most, whose variance gives that weight.
VARIANCE_CELLS = 10_000


@dataclass(frozen=True)
class ConditionalSettings(NetworkSettings):
    """Hyper-parameters of a (conditional) variational autoencoder; defaults of trVAE's Table 3.

    The loss is ``eta`` x reconstruction + ``alpha`` x KL + ``beta`` x MMD (trVAE, Eqs. 8 and 9).

    Attributes
    ----------
    batch_size
        Cells per step, drawn in equal parts from each condition.
    hidden, latent, leak, dropout
        Widths of the encoder (the decoder mirrors them) and of the bottleneck; leak of the ReLU; share of dropout.
    eta, alpha, beta
        Weights of the reconstruction, of the KL term, and of the MMD. A ``beta`` of None is `AUTHORS_BETA` x ``eta`` x
        the total variance of the training data: the reconstruction term, a sum over features, grows with that.
    kl
        Whether the KL term is the ``mean`` over latent units (trVAE's saved results) or their ``sum`` (scGen).
    matched
        Layer whose distributions MMD matches across conditions: ``none``, ``bottleneck`` or ``decoder`` (its first).
    widths
        Kernel widths of the MMD.
    noise
        Noise model of the output: ``none`` (squared error, as the papers), ``gaussian`` (learned variances) or
        ``nb`` (negative binomial on counts).
    nonnegative
        Whether the output ends in a ReLU; None: where all training data are non-negative.
    image_network
        For images, in place of ``hidden``: ``digits`` (trVAE's Table 1), ``faces`` (the U-Net-like Table 2) or
        ``auto``: digits have one channel.
    divisor
        Divides the filter numbers and dense widths of these networks, but for ``latent``.
    skips
        Whether the network for faces has the skip connections of a U-Net.
    image_batch_norm
        Whether these networks have batch norm behind each convolution. The tables have none; without it some hundreds
        of steps do not take the network for faces off the mean image.
    """

    batch_size: int = 512
    epochs: int = 300
    patience: int | None = 20
    hidden: tuple[int, ...] = (800, 800, 128)
    latent: int = 50
    leak: float = 0.2
    dropout: float = 0.2
    eta: float = 1.0
    alpha: float = 1e-3
    beta: float | None = 0.0
    kl: str = "mean"
    matched: str = "none"
    widths: tuple[float, ...] = WIDTHS
    noise: str = "none"
    nonnegative: bool | None = None
    image_network: str = "auto"
    divisor: int = 1
    skips: bool = False
    image_batch_norm: bool = False

    def __post_init__(self):
        super().__post_init__()
        self.require_at_least(1, "latent", "divisor")
        self.require_at_least(0, "eta", "alpha", *(["beta"] if self.beta is not None else []))
        self.require_widths("hidden")
        self.require_share("dropout")
        self.require_word("kl", "mean", "sum")
        self.require_word("matched", "none", "bottleneck", "decoder")
        self.require_word("noise", "none", "gaussian", "nb")
        self.require_word("image_network", "auto", "digits", "faces")
        if not self.widths or min(self.widths) <= 0:
            raise ValueError(f"widths must list positive kernel widths, not {list(self.widths)}")


class ConditionalModel(NeuralModel, Representation):
    """A variational autoencoder, told the condition at encoder and decoder where `knows_conditions` is set.

    It is trained on all conditions and domains that are not held out.
    """

    Settings = ConditionalSettings
    data = frozenset({"tabular", "images"})
    pixel_range = (0.0, 1.0)
    roles = ("source", "target", "query", "context")
    knows_conditions = True

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "ConditionalModel":
        cells = np.isin(data.role, self.roles)
        if self.settings.noise == "nb" and data.counts is None:
            raise UserError("noise: 'nb' needs raw counts, and this dataset has none; use 'gaussian' or 'none'.")
        positive = data.image_shape is not None or bool(data.X[cells].min() >= 0)
        self.floor = positive and not self.settings.standardize
        self.scale, self.size = 1.0, 1.0
        if self.settings.noise == "nb":
            self.size = float(np.median(np.expm1(data.X[cells]).sum(axis=1)))
        if data.counts is not None:
            sizes = data.counts[cells].sum(axis=1)
            ratio = np.expm1(data.X[cells]).sum(axis=1)[sizes > 0] / sizes[sizes > 0]
            self.scale = float(np.median(ratio))
        super().fit(data, seed, run)
        if run.progress:
            self.report_shares()
        return self

    def learn_scale(self, data: TrainingData) -> None:
        super().learn_scale(data)
        self.beta = self.settings.beta
        if self.beta is None:
            cells = np.flatnonzero(np.isin(data.role, self.roles))
            shown = self.scaled(data.X[cells[:: -(-len(cells) // VARIANCE_CELLS)]])
            self.beta = AUTHORS_BETA * self.settings.eta * float(shown.var(axis=0).sum())

    @property
    def weights(self) -> dict[str, float]:
        """The terms of the loss and their weights, while the model is fitted."""
        settings = self.settings
        matched = {} if settings.matched == "none" else {"mmd": self.beta}
        return {"reconstruction": settings.eta, "kl": settings.alpha, **matched}

    def report_shares(self) -> None:
        """Print how much of the loss each term was in the last epoch: a weight says little without it."""
        parts = {name: weight * self.history[-1][f"train_{name}"] for name, weight in self.weights.items()}
        # The likelihood of a noise model can be negative.
        whole = sum(map(abs, parts.values())) or 1.0
        shares = ", ".join(f"{name} {abs(part) / whole:.2%}" for name, part in parts.items())
        weights = ", ".join(f"{name} {weight:.3g}" for name, weight in self.weights.items())
        print(f"Shares of the loss: {shares}; weights: {weights}.", flush=True)

    def build(self, features: int):
        from outofsample.networks.image_networks import image_vae
        from outofsample.networks.variational import ConditionalVAE

        settings = self.settings
        conditions = len(self.conditions) if self.knows_conditions else 0
        nonnegative = self.floor if settings.nonnegative is None else settings.nonnegative
        common = (settings.latent, settings.leak, settings.dropout, nonnegative, settings.noise)
        if self.image_shape is not None:
            network, options = settings.image_network, (settings.divisor, settings.skips, settings.image_batch_norm)
            return image_vae(network, self.image_shape, conditions, *common, *options)
        return ConditionalVAE(features, conditions, settings.hidden, *common)

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        cells = np.isin(data.role, self.roles)
        return [cells & (data.condition == condition) for condition in self.conditions]

    def budget(self, groups: int):
        from dataclasses import replace

        budget = super().budget(groups)
        # Batch norm needs two cells of a batch.
        return replace(budget, batch_size=max(2, budget.batch_size // groups))

    def as_group(self, data: TrainingData, cells: np.ndarray, device) -> dict:
        group = super().as_group(data, cells, device)
        if self.settings.noise == "nb":
            import torch

            group["counts"] = torch.from_numpy(data.counts[cells].astype(np.float32)).to(device)
        return group

    def players(self, network) -> list:
        import torch

        def terms(batches):
            batch = {name: torch.cat([part[name] for part in batches]) for name in batches[0]}
            return self.loss_terms(network, batch)

        return [self.player("train", network.parameters(), terms)]

    def loss_terms(self, network, batch: dict) -> dict:
        """Return ``loss`` and its terms for a batch of ``x``, ``condition`` and, for negative binomials, ``counts``."""
        from outofsample.training import losses

        settings = self.settings
        output = network(batch["x"], batch["condition"])
        terms = {"reconstruction": self.reconstruction(network, batch, output)}
        terms["kl"] = losses.kl_standard_normal(output["mean"], output["latent_log_variance"])
        if settings.kl == "sum":
            terms["kl"] = terms["kl"] * settings.latent
        if settings.matched != "none":
            layer = output["matched" if settings.matched == "decoder" else "z"]
            terms["mmd"] = losses.pairwise_mmd(layer, batch["condition"], len(self.conditions), settings.widths)
        terms["loss"] = sum(weight * terms[name] for name, weight in self.weights.items())
        return terms

    def reconstruction(self, network, batch: dict, output: dict):
        """Return the reconstruction term of the noise model."""
        from outofsample.training import losses

        if self.settings.noise == "gaussian":
            return losses.gaussian_nll(batch["x"], output["x"], output["log_variance"])
        if self.settings.noise == "nb":
            rate = output["x"] / output["x"].sum(1, keepdim=True).clamp_min(1e-8)
            mean = rate * batch["counts"].sum(1, keepdim=True)
            return losses.negative_binomial_nll(batch["counts"], mean, network.log_dispersion.exp())
        return losses.squared_error(batch["x"], output["x"])

    @property
    def skips(self) -> bool:
        """Whether anything passes the bottleneck by."""
        return getattr(self.network, "skips", False)

    def encode(self, X: np.ndarray, condition: str | None = None) -> np.ndarray:
        codes = self.code_of(condition, len(X))
        return self.apply(lambda x: self.network.encode_all(x, codes)[0], self.scaled(X))

    def decode(self, Z: np.ndarray, condition: str | None = None) -> np.ndarray:
        if self.skips:
            raise UserError("skips: true takes images past the latent values, which alone cannot be decoded then.")
        codes = self.code_of(condition, len(Z))
        output = self.apply(lambda z: self.network.decode_all(z, codes)["x"], Z)
        # Latent values do not tell how large a cell is: rates become those of a typical one.
        return self.unscaled(output) if self.settings.noise != "nb" else self._from_rates(output, self.size)

    def translate(
        self, X: np.ndarray, source: str, target: str, sample: int | None = None, counts: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Encode cells (cells, features) under one condition and decode them under another (trVAE, Section 3).

        Parameters
        ----------
        sample
            Seed of the draws from the encoder and from the noise model; None: means.

        Returns
        -------
        ``x`` (cells, features), ``latent`` (cells, latent) and ``matched`` (cells, units), the first decoder layer.
        """
        import torch

        generator = None if sample is None else torch.Generator().manual_seed(sample)

        def run(x):
            mean, log_variance, *skipped = self.network.encode_all(x, self.code_of(source, len(X)))
            z = mean
            if generator is not None:
                z = mean + torch.randn(mean.shape, generator=generator).to(mean) * (0.5 * log_variance).exp()
            output = self.network.decode_all(z, self.code_of(target, len(X)), *skipped)
            if generator is not None and self.settings.noise == "gaussian":
                noise = torch.randn(output["x"].shape, generator=generator).to(mean)
                output["x"] = output["x"] + noise * (0.5 * output["log_variance"]).exp()
            return torch.cat([output["x"], z, output["matched"]], 1)

        joined = self.apply(run, self.scaled(X))
        x, latent, matched = np.split(joined, [X.shape[1], X.shape[1] + self.settings.latent], axis=1)
        if self.settings.noise == "nb":
            x = self._from_rates(x, np.expm1(X).sum(axis=1, keepdims=True), sample)
        else:
            x = self.unscaled(x)
        return {"x": np.maximum(x, 0) if self.floor else x, "latent": latent, "matched": matched}

    def _from_rates(self, rates: np.ndarray, sizes: np.ndarray | float, sample: int | None = None) -> np.ndarray:
        """Turn rates (cells, features) into log1p of normalised counts, for cells of these ``sizes`` (cells, 1).

        The size of a cell on the normalised scale is the sum of expm1(X); `scale` takes counts to that scale.
        """
        share = rates / np.maximum(rates.sum(axis=1, keepdims=True), 1e-8)
        mean = share * sizes
        if sample is None:
            return np.log1p(mean).astype(np.float32)
        dispersion = np.exp(self.network.log_dispersion.detach().cpu().numpy().astype(np.float64))
        rng = np.random.default_rng(sample)
        counts = rng.poisson(rng.gamma(dispersion, mean / self.scale / dispersion, size=mean.shape))
        return np.log1p(counts * self.scale).astype(np.float32)

    def state(self) -> dict:
        return {**super().state(), "floor": self.floor, "scale": self.scale, "size": self.size}

    def load_state(self, state: dict) -> "ConditionalModel":
        self.floor, self.scale, self.size = state["floor"], state["scale"], state["size"]
        return super().load_state(state)

"""scVI (trVAE, appendix, Table 8), by scvi-tools: a conditional variational autoencoder on counts."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.errors import UserError
from outofsample.models.families import base
from outofsample.models.families.neural import NetworkSettings
from outofsample.training.run import Run


@dataclass(frozen=True)
class Settings(NetworkSettings):
    """Hyper-parameters, with those of Table 8 as defaults; for the likelihood scvi-tools offers more than the paper.

    Attributes
    ----------
    warm_up
        Share of the epochs over which the weight of the KL term rises from 0 to 1. scvi-tools' own 400 epochs are
        longer than most budgets, in which the term would never count. Early stopping waits for its end.
    hidden, layers, latent, dropout
        Width and number of hidden layers, width of the bottleneck, share of dropout.
    likelihood
        ``nb`` (negative binomial) or ``zinb`` (with excess zeros).
    """

    batch_size: int = 128
    epochs: int = 300
    patience: int | None = 20
    hidden: int = 128
    layers: int = 1
    latent: int = 10
    dropout: float = 0.2
    likelihood: str = "nb"
    warm_up: float = 0.5

    def __post_init__(self):
        super().__post_init__()
        self.require_at_least(1, "hidden", "layers", "latent")
        self.require_share("dropout", "warm_up")
        self.require_word("likelihood", "nb", "zinb")
        if self.standardize or self.learning_rate_patience or self.clip_gradient or self.precision != "float32":
            raise ValueError("standardize, learning_rate_patience, clip_gradient and precision are not for scVI")


class Model(base.Model):
    """scvi-tools' SCVI with the condition as its batch; it has a training loop of its own, without checkpoints."""

    Settings = Settings
    data = frozenset({"counts"})
    roles = ("source", "target", "query", "context")

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Model":
        import pandas as pd
        import scvi

        if data.counts is None:
            raise UserError("scvi needs raw counts, and this dataset has none.")
        if np.isin(data.role, self.roles).sum() < 20:
            raise UserError("scvi needs 20 cells or more to train on.")
        scvi.settings.seed = seed
        cells = np.isin(data.role, self.roles)
        self.conditions = np.unique(data.condition[cells]).tolist()
        self.network = self._build(data.counts[cells], data.condition[cells])
        settings = self.settings
        # Where nothing stops early the held-out part decides nothing.
        trained = 1 - settings.validation * (settings.patience is not None)
        steps = -(-round(trained * cells.sum()) // settings.batch_size)
        epochs = settings.epochs if settings.max_steps is None else -(-settings.max_steps // steps)
        warm_up = int(settings.warm_up * epochs)
        if run.progress:
            print(f"{epochs:,} epochs = {epochs * steps:,} steps of {settings.batch_size:,} cells", flush=True)
        self.network.train(
            max_epochs=epochs,
            batch_size=settings.batch_size,
            accelerator={"auto": "auto", "cpu": "cpu", "cuda": "gpu"}[run.device],
            train_size=trained,
            early_stopping=settings.patience is not None,
            early_stopping_patience=settings.patience or 1,
            early_stopping_warmup_epochs=warm_up,
            check_val_every_n_epoch=1 if settings.patience is not None else None,
            plan_kwargs={"lr": settings.learning_rate, "n_epochs_kl_warmup": warm_up},
            enable_progress_bar=False,
            logger=None,
        )
        columns = {name: values.iloc[:, 0].reset_index(drop=True) for name, values in self.network.history.items()}
        history = pd.DataFrame(columns).astype(float).to_dict("records")
        self.history = [{"epoch": n, "steps": n * steps, **row} for n, row in enumerate(history, start=1)]
        return self

    def _anndata(self, counts: np.ndarray, condition: np.ndarray):
        import anndata
        import pandas as pd

        obs = pd.DataFrame({"condition": pd.Categorical(condition, categories=self.conditions)})
        obs.index = obs.index.astype(str)
        return anndata.AnnData(counts.astype(np.float32), obs=obs)

    def _build(self, counts: np.ndarray, condition: np.ndarray):
        import scvi

        adata = self._anndata(counts, condition)
        scvi.model.SCVI.setup_anndata(adata, batch_key="condition")
        settings = self.settings
        return scvi.model.SCVI(
            adata,
            n_hidden=settings.hidden,
            n_latent=settings.latent,
            n_layers=settings.layers,
            dropout_rate=settings.dropout,
            gene_likelihood=settings.likelihood,
        )

    def translate(
        self, X: np.ndarray, source: str, target: str, sample: int | None = None, counts: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Encode cells under one condition and decode them under another, on the scale of ``X``.

        ``X`` is log1p of normalised counts (cells, features); the size of a cell on that scale, the sum of expm1(X),
        is kept. ``sample`` is the seed of draws from the negative binomial; None: means.
        """
        import torch

        if counts is None:
            raise UserError("scvi needs the raw counts of the cells that it transforms.")
        module = self.network.module
        device = next(module.parameters()).device
        batches = [
            torch.full((len(counts), 1), self.conditions.index(name), device=device) for name in (source, target)
        ]
        x = torch.from_numpy(np.ascontiguousarray(counts, dtype=np.float32)).to(device)
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(sample or 0)
            encoded = module.inference(x=x, batch_index=batches[0])
            # scvi-tools' own prediction draws z; the mean makes a cell's prediction its own, whatever its neighbours.
            latent = encoded["qz"].loc if sample is None else encoded["z"]
            decoded = module.generative(z=latent, library=encoded["library"], batch_index=batches[1])["px"]
            share = decoded.scale if sample is None else decoded.sample() / x.sum(1, keepdim=True).clamp_min(1)
        size = np.expm1(X).sum(axis=1, keepdims=True)
        return {"x": np.log1p(share.cpu().numpy() * size).astype(np.float32), "latent": latent.cpu().numpy()}

    def state(self) -> dict:
        network = {name: value.cpu() for name, value in self.network.module.state_dict().items()}
        return {"network": network, "conditions": list(self.conditions), "features": int(self.network.adata.n_vars)}

    def load_state(self, state: dict) -> "Model":
        import torch

        self.conditions = list(state["conditions"])
        # Two cells of each condition tell scvi-tools the shape of the data.
        condition = np.repeat(self.conditions, 2)
        self.network = self._build(np.ones((len(condition), state["features"])), condition)
        tensors = {name: torch.as_tensor(value) for name, value in state["network"].items()}
        self.network.module.load_state_dict(tensors)
        self.network.module.eval()
        self.network.is_trained_ = True
        return self

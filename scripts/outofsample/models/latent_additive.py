"""The latent additive model, the strongest of the simple ones in PerturBench (Wu et al. 2024, arXiv 2408.10609)."""

from dataclasses import dataclass, replace

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.neural import NetworkSettings, NeuralModel
from outofsample.training.run import Run


@dataclass(frozen=True)
class Settings(NetworkSettings):
    """Hyper-parameters; the benchmark tuned them for each data set, with widths up to 4,352.

    Attributes
    ----------
    batch_size
        Cells per step, drawn in equal parts from each condition.
    hidden, latent, dropout
        Widths of the encoder (the decoder mirrors them) and of the code; share of dropout.
    """

    learning_rate: float = 5e-4
    batch_size: int = 512
    epochs: int = 300
    patience: int | None = 20
    hidden: tuple[int, ...] = (1024,)
    latent: int = 256
    dropout: float = 0.1

    def __post_init__(self):
        super().__post_init__()
        self.require_at_least(1, "latent")
        self.require_widths("hidden")
        self.require_share("dropout")


class Model(NeuralModel):
    """A cell in a condition is the decoded sum of a code of a control cell and a vector of the condition.

    Mean squared error of x_d,c by decoder( encoder(x_d,0) + effect(c) ), where x_d,0 is a control cell of the same
    domain d, drawn at random each time: no cell is measured twice. Controls are the cells of a condition that a query
    starts from, the query's own too. They are predicted from each other with no effect.
    """

    Settings = Settings
    data = frozenset({"tabular", "images"})
    pixel_range = (0.0, 1.0)
    roles = ("source", "target", "query", "context")

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Model":
        cells, _ = self._populations(data)
        positive = data.image_shape is not None or bool(data.X[cells].min() >= 0)
        self.floor = positive and not self.settings.standardize
        super().fit(data, seed, run)
        del self.pool
        return self

    def _populations(self, data: TrainingData) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks (cells,) of the cells that are predicted in training, and of the controls among them."""
        cells = np.isin(data.role, self.roles)
        control = cells & np.isin(data.condition, [query.source for query in data.queries])
        # Of a domain without controls nothing says where its cells started.
        return cells & np.isin(data.domain, data.domain[control]), control

    def build(self, features: int):
        from outofsample.networks.additive import AdditiveNetwork

        settings = self.settings
        sizes = (len(self.conditions), settings.hidden, settings.latent)
        return AdditiveNetwork(features, *sizes, settings.dropout, self.floor)

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        cells, _ = self._populations(data)
        groups = [cells & (data.condition == condition) for condition in self.conditions]
        return [group for group in groups if group.any()]

    def budget(self, groups: int):
        budget = super().budget(groups)
        return replace(budget, batch_size=max(1, budget.batch_size // groups))

    def as_groups(self, data: TrainingData, device) -> list:
        import torch

        from outofsample.training.rows import Rows

        _, control = self._populations(data)
        rows = np.flatnonzero(control)
        rows = rows[np.argsort(data.domain[rows], kind="stable")]
        x = data.X if self.image_shape is not None else self.scaled(data.X).astype(np.float32)
        known = np.isin(data.condition, self.conditions)
        numbers = {
            "condition": np.where(known, np.searchsorted(self.conditions, data.condition), 0),
            # Where the controls of the cell's domain begin and end among all controls.
            "first": np.searchsorted(data.domain[rows], data.domain, "left"),
            "end": np.searchsorted(data.domain[rows], data.domain, "right"),
        }
        shared = {name: torch.from_numpy(values).to(device) for name, values in numbers.items()}
        # Shares the memory of the array, where torch may write to it, which it never does here.
        shared["x"] = torch.from_numpy(np.require(x, requirements=["C", "W"])).to(device)
        self.pool = {name: shared[name][torch.from_numpy(rows).to(device)] for name in ("x", "condition")}
        return [Rows(shared, torch.from_numpy(np.flatnonzero(cells)).to(device)) for cells in self.groups(data)]

    def players(self, network) -> list:
        import torch

        from outofsample.training.coupling import drawn_rows

        pool, images = self.pool, self.image_shape is not None
        centre, spread = float(self.centre[0]), float(self.spread[0])

        def terms(batches):
            batch = {name: torch.cat([part[name] for part in batches]) for name in batches[0]}
            drawn = drawn_rows(batch["first"], batch["end"])
            x = (pool["x"][drawn].float() - centre) / spread if images else pool["x"][drawn]
            predicted, _ = network(x, pool["condition"][drawn], batch["condition"])
            return {"loss": torch.nn.functional.mse_loss(predicted, batch["x"])}

        return [self.player("train", network.parameters(), terms)]

    def translate(
        self, X: np.ndarray, source: str, target: str, sample: int | None = None, counts: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Return cells (cells, features) of one condition as they are in another: ``x``, and their codes ``latent``.

        Nothing is drawn, and no counts are needed: ``sample`` and ``counts`` are what other conditional models take.
        """
        import torch

        codes = [self.code_of(condition, len(X)) for condition in (source, target)]
        joined = self.apply(lambda x: torch.cat(self.network(x, *codes), 1), self.scaled(X))
        x, latent = np.split(joined, [X.shape[1]], axis=1)
        return {"x": self.unscaled(x), "latent": latent}

    def state(self) -> dict:
        return {**super().state(), "floor": self.floor}

    def load_state(self, state: dict) -> "Model":
        self.floor = state["floor"]
        return super().load_state(state)

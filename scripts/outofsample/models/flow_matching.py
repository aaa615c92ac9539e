"""Flow matching with minibatch optimal transport (Tong et al. 2024, Transactions on Machine Learning Research)."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.latent_translator import LatentTranslator, LatentTranslatorSettings


@dataclass(frozen=True)
class Settings(LatentTranslatorSettings):
    """Hyper-parameters, see `LatentTranslatorSettings`.

    Attributes
    ----------
    batch_size
        Cells of S per step, and as many of T of the same domains.
    widths
        Hidden widths of the velocity field.
    noise
        Standard deviation of the noise about the straight path, where the data's is 1.
    within
        ``domains``: cells are paired with cells of the same domain, where S and T share some; ``all``: with any.
    context
        ``none``, or ``mean``: the field is told the mean of the cell's domain in the source condition.
    integration_steps
        Steps of the Runge-Kutta rule from time 0 to time 1.
    """

    batch_size: int = 256
    widths: tuple[int, ...] = (512, 512, 512)
    noise: float = 0.1
    within: str = "domains"
    context: str = "none"
    integration_steps: int = 10

    def __post_init__(self):
        super().__post_init__()
        self.require_widths("widths")
        self.require_at_least(0, "noise")
        self.require_at_least(1, "integration_steps")
        self.require_word("within", "domains", "all")
        self.require_word("context", "none", "mean")


class Model(LatentTranslator):
    """A velocity field whose flow carries S to T along nearly straight paths.

    A source cell z0 and the target cell z1 that the optimal transport between two batches pairs it with are one
    example: v(z, t) = z1 - z0 at z = (1 - t) z0 + t z1 + noise, with a time t drawn uniformly.
    """

    Settings = Settings

    def prepare(self, data: TrainingData) -> None:
        super().prepare(data)
        self.means = {}
        for condition in sorted({query.source for query in data.queries}):
            asked = [query for query in data.queries if query.source == condition]
            before = np.any([data.is_source(query) | data.is_query(query) for query in asked], axis=0)
            for domain in np.unique(data.domain[before]).tolist():
                self.means[condition, domain] = data.X[before & (data.domain == domain)].mean(axis=0)

    def build(self, features: int):
        import torch

        from outofsample.networks.velocity import Flow

        settings = self.settings
        context = 0 if settings.context == "none" else features
        flow = Flow(features, context, settings.widths, settings.integration_steps)
        return torch.nn.ModuleDict({"to_target": flow})

    def _kinds(self, data: TrainingData) -> np.ndarray:
        """Return a number per cell (cells,): S is paired with cells of T that have the same; -1: with none."""
        source, target = (data.domain[data.role == role] for role in ("source", "target"))
        shared = np.intersect1d(source, target)
        if self.settings.within == "all" or not len(shared):
            return np.zeros(len(data.X), np.int64)
        return np.where(np.isin(data.domain, shared), np.searchsorted(shared, data.domain), -1)

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        return [(data.role == "source") & (self._kinds(data) >= 0)]

    def as_group(self, data: TrainingData, cells: np.ndarray, device) -> dict:
        """Return the cells of S; of each where the cells of T that it can be paired with begin and end in `pool`."""
        import torch

        kinds = self._kinds(data)
        target = np.flatnonzero(data.role == "target")
        target = target[np.argsort(kinds[target], kind="stable")]
        self.pool = torch.from_numpy(self.scaled(data.X[target]).astype(np.float32)).to(device)
        added = {"kind": kinds[cells]}
        added |= {side: np.searchsorted(kinds[target], kinds[cells], side) for side in ("left", "right")}
        if self.settings.context == "mean":
            means = [self.means[key] for key in zip(data.condition[cells], data.domain[cells], strict=True)]
            added["context"] = self.scaled(np.stack(means)).astype(np.float32)
        group = super().as_group(data, cells, device)
        return group | {name: torch.from_numpy(values).to(device) for name, values in added.items()}

    def players(self, network) -> list:
        import torch

        from outofsample.training.coupling import drawn_rows, partners

        flow, pool, noise = network["to_target"], self.pool, self.settings.noise

        def terms(batches):
            (batch,) = batches
            start, end = batch["x"], pool[drawn_rows(batch["left"], batch["right"])]
            for kind in batch["kind"].unique():
                rows = torch.nonzero(batch["kind"] == kind).squeeze(1)
                end[rows] = end[rows][partners(start[rows], end[rows])]
            time = torch.rand(len(start), 1).to(start)
            place = torch.lerp(start, end, time) + noise * torch.randn(start.shape).to(start)
            return {"loss": ((flow.velocity(place, time, batch.get("context")) - (end - start)) ** 2).mean()}

        return [self.player("flow", network.parameters(), terms)]

    def translate(self, X: np.ndarray, source: str, target: str, domain: str | None = None) -> np.ndarray:
        """Return latent values (cells, units) of condition ``source`` and a domain as they are in ``target``.

        A domain that was not among S and X is taken for a typical one.
        """
        if self.settings.context == "none":
            return super().translate(X, source, target)
        import torch

        self.take_up(source, target)
        mean = self.scaled(self.means.get((source, domain), self.centre)).astype(np.float32)
        context = torch.from_numpy(np.repeat(mean[None], len(X), axis=0)).to(next(self.network.parameters()).device)
        return self.unscaled(self.apply(self.network["to_target"], self.scaled(X), context))

    def state(self) -> dict:
        return {**super().state(), "means": [[*key, mean] for key, mean in self.means.items()]}

    def load_state(self, state: dict) -> "Model":
        self.means = {(condition, domain): np.asarray(mean) for condition, domain, mean in state["means"]}
        return super().load_state(state)

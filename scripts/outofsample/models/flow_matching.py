"""Flow matching with minibatch optimal transport (Tong et al. 2024, Transactions on Machine Learning Research)."""

from dataclasses import dataclass, replace

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.families.latent_translator import LatentTranslator, LatentTranslatorSettings

#: Cells of a domain in a batch, at least: fewer are hardly coupled at all.
LEAST_CELLS = 16


@dataclass(frozen=True)
class Settings(LatentTranslatorSettings):
    """Hyper-parameters, see `LatentTranslatorSettings`.

    Attributes
    ----------
    batch_size
        Cells of S, and of T, per step; drawn in equal parts from each domain where couplings stay within domains.
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
        self.means = {}
        for condition in sorted({query.source for query in data.queries}):
            before = (data.condition == condition) & (data.role != "target")
            for domain in np.unique(data.domain[before]):
                self.means[condition, domain] = data.X[before & (data.domain == domain)].mean(axis=0)

    def build(self, features: int):
        import torch

        from outofsample.networks.velocity import Flow

        settings = self.settings
        context = 0 if settings.context == "none" else features
        flow = Flow(features, context, settings.widths, settings.integration_steps)
        return torch.nn.ModuleDict({"to_target": flow})

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        source, target = super().groups(data)
        shared = np.intersect1d(data.domain[source], data.domain[target])
        if self.settings.within == "all" or not len(shared):
            return [source, target]
        return [role & (data.domain == domain) for domain in shared for role in (source, target)]

    def budget(self, groups: int):
        budget = super().budget(groups)
        return replace(budget, batch_size=max(budget.batch_size // (groups // 2), LEAST_CELLS))

    def as_group(self, data: TrainingData, cells: np.ndarray, device) -> dict:
        group = super().as_group(data, cells, device)
        if self.settings.context == "mean" and (data.role[cells] == "source").all():
            import torch

            means = [self.means[key] for key in zip(data.condition[cells], data.domain[cells], strict=True)]
            group["context"] = torch.from_numpy(self.scaled(np.stack(means))).to(device)
        return group

    def players(self, network) -> list:
        import torch

        from outofsample.training.coupling import partners

        flow, noise, knows_domain = network["to_target"], self.settings.noise, self.settings.context == "mean"

        def terms(batches):
            sources, targets = batches[::2], batches[1::2]
            start = torch.cat([batch["x"] for batch in sources])
            pairs = zip(sources, targets, strict=True)
            end = torch.cat([after["x"][partners(before["x"], after["x"])] for before, after in pairs])
            context = torch.cat([batch["context"] for batch in sources]) if knows_domain else None
            time = torch.rand(len(start), 1).to(start)
            place = torch.lerp(start, end, time) + noise * torch.randn(start.shape).to(start)
            return {"loss": ((flow.velocity(place, time, context) - (end - start)) ** 2).mean()}

        return [self.player("flow", network.parameters(), terms)]

    def translate(self, X: np.ndarray, source: str, target: str, domain: str | None = None) -> np.ndarray:
        """Return latent values (cells, units) of condition ``source`` and a domain as they are in ``target``.

        A domain that was not among S and X is taken for a typical one.
        """
        if self.settings.context == "none":
            return super().translate(X, source, target)
        import torch

        self.network = self.networks[source, target]
        mean = self.scaled(self.means.get((source, domain), self.centre)).astype(np.float32)
        context = torch.from_numpy(np.repeat(mean[None], len(X), axis=0)).to(next(self.network.parameters()).device)
        return self.unscaled(self.apply(self.network["to_target"], self.scaled(X), context))

    def state(self) -> dict:
        return {**super().state(), "means": [[*key, mean] for key, mean in self.means.items()]}

    def load_state(self, state: dict) -> "Model":
        self.means = {(condition, domain): np.asarray(mean) for condition, domain, mean in state["means"]}
        return super().load_state(state)

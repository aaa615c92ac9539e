"""Input-convex neural optimal transport: CellOT (Bunne et al. 2023, Nature Methods 20, 1759-1768)."""

from dataclasses import dataclass, replace

from outofsample.arrays import TrainingData
from outofsample.models.families.latent_translator import LatentTranslator, LatentTranslatorSettings


@dataclass(frozen=True)
class Settings(LatentTranslatorSettings):
    """Hyper-parameters, see `LatentTranslatorSettings`; the defaults are CellOT's, but for the learning rate.

    CellOT's rate of 1e-4 goes with 100,000 steps.

    Attributes
    ----------
    batch_size, inner_steps
        Cells of S, and of T, of one step of either potential; and how many steps that of the map takes, each on a batch
        of its own, for one of the other. ``max_steps`` counts those of the other.
    widths, leak
        Hidden widths of both potentials, and the leak of their ReLU.
    penalty
        Weight of the negative weights of the map's potential; those of the other are set to zero.
    beta1, beta2
        Adam's decay rates.
    """

    learning_rate: float = 1e-3
    batch_size: int = 256
    inner_steps: int = 10
    widths: tuple[int, ...] = (64, 64, 64, 64)
    leak: float = 0.2
    penalty: float = 1.0
    beta1: float = 0.5
    beta2: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        self.require_widths("widths")
        self.require_at_least(1, "inner_steps")
        self.require_at_least(0, "penalty")
        self.require_share("beta1", "beta2")


class Model(LatentTranslator):
    """The optimal map as the gradient of a convex network g, found by a second one, f.

    max over f min over g of E_S[ f(grad g(x)) - x . grad g(x) ] - E_T[ f(y) ], both convex (Makkuva et al. 2020): where
    it is reached, grad g moves S onto T with the least sum of squared distances. S and T are centred first: the optimal
    map is the difference of their means and the map of what is centred.
    """

    Settings = Settings

    def build(self, features: int):
        import torch

        from outofsample.networks.convex import ConvexNetwork, GradientMap, Shifted

        def potential():
            return ConvexNetwork(features, self.settings.widths, self.settings.leak)

        return torch.nn.ModuleDict({"to_target": Shifted(GradientMap(potential()), features), "judge": potential()})

    def as_groups(self, data: TrainingData, device) -> list:
        """Return S and T, each centred; the network keeps their means."""
        groups, moved = super().as_groups(data, device), self.network["to_target"]
        for group, mean in zip(groups, (moved.before, moved.after), strict=True):
            mean.copy_(group["x"].mean(dim=0))
            group["x"] -= mean
        return groups

    def budget(self, groups: int):
        budget = super().budget(groups)
        return replace(budget, batch_size=budget.batch_size * self.settings.inner_steps)

    def players(self, network) -> list:
        import torch

        transport, judge = network["to_target"].inner, network["judge"]
        settings = self.settings

        def move(batches):
            source = batches[0]["x"]
            moved = transport(source)
            negative = transport.potential.negative()
            gain = (judge(moved) - (source * moved).sum(1)).mean()
            return {"map": gain, "negative": negative, "loss": gain + settings.penalty * negative}

        def judge_cells(batches):
            # The last of the batches that the map has seen.
            source, target = (batch["x"][-settings.batch_size :] for batch in batches)
            with torch.no_grad():
                moved = transport(source)
            return {"loss": judge(target).mean() - judge(moved).mean()}

        betas = (settings.beta1, settings.beta2)
        return [
            self.player("map", transport.parameters(), move, betas=betas, turns=settings.inner_steps),
            self.player("potential", judge.parameters(), judge_cells, betas=betas, after=judge.make_convex),
        ]

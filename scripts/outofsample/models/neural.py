"""What all our networks have in common: settings of the training, scaling, groups of cells, saving."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.base import Model, Run


@dataclass(frozen=True)
class NetworkSettings:
    """How a network is trained.

    Attributes
    ----------
    learning_rate, batch_size
        Of Adam; cells per population and step.
    epochs, patience, validation
        At most so many epochs; stop after so many without a better loss on the held-out share (None: never).
    learning_rate_patience
        Divide the learning rate by ten after so many epochs without a better loss (None: never).
    clip_gradient
        Scale gradients down to this norm (None: never).
    standardize
        Whether features are centred and scaled inside the model, by training cells.
    """

    learning_rate: float = 1e-3
    batch_size: int = 100
    epochs: int = 100
    patience: int | None = 10
    validation: float = 0.1
    learning_rate_patience: int | None = None
    clip_gradient: float | None = None
    standardize: bool = False

    def __post_init__(self):
        self.require_at_least(1, "batch_size", "epochs")
        self.require_at_least(1, *(n for n in ("patience", "learning_rate_patience") if getattr(self, n) is not None))
        self.require_share("validation")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate}")

    def require_at_least(self, least: float, *names: str) -> None:
        """Raise ValueError where one of these settings is smaller."""
        for name in names:
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}")

    def require_share(self, *names: str) -> None:
        """Raise ValueError where one of these settings is not in [0, 1)."""
        for name in names:
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), not {getattr(self, name)}")

    def require_widths(self, *names: str) -> None:
        """Raise ValueError where one of these settings is not a list of positive widths."""
        for name in names:
            if not getattr(self, name) or min(getattr(self, name)) < 1:
                raise ValueError(f"{name} must list positive widths, not {list(getattr(self, name))}")

    def require_word(self, name: str, *words: str) -> None:
        """Raise ValueError where a setting is none of these words."""
        if getattr(self, name) not in words:
            listed = ", ".join(f"'{word}'" for word in words[:-1]) + f" or '{words[-1]}'"
            raise ValueError(f"{name} must be {listed}, not '{getattr(self, name)}'")


class NeuralModel(Model):
    """A model that is a torch network; subclasses say how it is built, on what and by which losses it is trained.

    ``network`` is the fitted module, ``conditions`` the names of the conditions that it knows, in order.
    """

    data = frozenset({"tabular"})
    #: Roles of the cells that the network is trained on.
    roles: tuple[str, ...] = ("source", "target", "query")

    def build(self, features: int):
        """Return the untrained network (a torch module) for so many features."""
        raise NotImplementedError

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        """Return the masks (cells,) of the populations that each step draws from."""
        return [data.role == role for role in self.roles if (data.role == role).any()]

    def players(self, network) -> list:
        """Return the sides of the training (`outofsample.training.Player`) of a network."""
        raise NotImplementedError

    def player(self, name: str, parameters, terms, **options):
        """Return a player with the learning rate and the gradient clipping of the settings."""
        from outofsample.training import Player

        settings = self.settings
        return Player(name, list(parameters), terms, settings.learning_rate, settings.clip_gradient, **options)

    def budget(self, groups: int):
        """Return how long to train, given the number of groups."""
        from outofsample.training import Budget

        settings = self.settings
        return Budget(
            settings.epochs,
            settings.batch_size,
            settings.patience,
            settings.validation,
            settings.learning_rate_patience,
        )

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "NeuralModel":
        import torch

        from outofsample.training import pick_device, train

        torch.manual_seed(seed)
        device = pick_device(run.device)
        self.learn_scale(data)
        self.conditions = np.unique(data.condition[np.isin(data.role, self.roles)]).tolist()
        self.network = self.build(data.X.shape[1]).to(device)
        groups = [self.as_group(data, cells, device) for cells in self.groups(data)]
        self.history = train(self.network, self.players(self.network), groups, self.budget(len(groups)), seed, run)
        return self

    def learn_scale(self, data: TrainingData) -> None:
        """Learn centre and spread (features,) from the training cells."""
        fitted = data.X[np.isin(data.role, self.roles)]
        self.centre = np.zeros(fitted.shape[1], np.float32)
        self.spread = np.ones(fitted.shape[1], np.float32)
        if self.settings.standardize:
            self.centre = fitted.mean(axis=0)
            self.spread = np.where(fitted.std(axis=0) > 0, fitted.std(axis=0), 1).astype(np.float32)

    def scaled(self, X: np.ndarray) -> np.ndarray:
        """Return data (cells, features) on the scale of the network."""
        return (X - self.centre) / self.spread

    def unscaled(self, X: np.ndarray) -> np.ndarray:
        """Return data (cells, features) of the network on their own scale."""
        return X * self.spread + self.centre

    def as_group(self, data: TrainingData, cells: np.ndarray, device) -> dict:
        """Return the tensors of some cells: ``x`` (cells, features) and ``condition`` (cells,), a number each."""
        import torch

        codes = np.searchsorted(self.conditions, data.condition[cells])
        return {
            "x": torch.from_numpy(self.scaled(data.X[cells]).astype(np.float32)).to(device),
            "condition": torch.from_numpy(codes).to(device),
        }

    def code_of(self, condition: str | None, cells: int):
        """Return the condition's number as a tensor (cells,); None stands for the first."""
        import torch

        code = 0 if condition is None else self.conditions.index(condition)
        return torch.full((cells,), code, device=next(self.network.parameters()).device)

    def apply(self, function, values: np.ndarray, *others) -> np.ndarray:
        """Call a function of the network on an array (cells, columns) without gradients; return an array."""
        import torch

        device = next(self.network.parameters()).device
        with torch.no_grad():
            tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(device)
            return function(tensor, *others).cpu().numpy()

    def state(self) -> dict:
        network = {name: value.cpu() for name, value in self.network.state_dict().items()}
        return {"network": network, "centre": self.centre, "spread": self.spread, "conditions": list(self.conditions)}

    def load_state(self, state: dict) -> "NeuralModel":
        import torch

        self.centre, self.spread = np.asarray(state["centre"]), np.asarray(state["spread"])
        self.conditions = list(state["conditions"])
        self.network = self.build(len(self.centre))
        self.network.load_state_dict({name: torch.as_tensor(value) for name, value in state["network"].items()})
        self.network.eval()
        return self

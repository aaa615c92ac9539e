"""The autoencoder of Neuron Editing (Section 2 and 3), trained on S, T and X together."""

from dataclasses import dataclass

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.models.base import Representation, Run


@dataclass(frozen=True)
class Settings:
    """Hyper-parameters; the defaults are the papers', but for what they leave open (``docs/choices.md``).

    Attributes
    ----------
    hidden, latent, leak
        Widths of the encoder's hidden layers (the decoder mirrors them) and of the edited layer; leak of the ReLU.
    learning_rate, batch_size
        Of Adam; cells per population and step.
    epochs, patience, validation
        At most so many epochs; stop after so many without a better loss on the held-out share (None: never).
    sampling
        ``balanced``: each step takes a batch from each of S, T and X; ``pooled``: one batch from all cells together.
    edited_layer
        ``after`` the activation of the latent layer (the papers' activations), or ``before`` it.
    standardize
        Whether features are centred and scaled inside the model, by training cells.
    """

    hidden: tuple[int, ...] = (500, 250)
    latent: int = 50
    leak: float = 0.2
    learning_rate: float = 1e-3
    batch_size: int = 100
    epochs: int = 100
    patience: int | None = 10
    validation: float = 0.1
    sampling: str = "balanced"
    edited_layer: str = "after"
    standardize: bool = False

    def __post_init__(self):
        for name in ("latent", "batch_size", "epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must list positive widths, not {list(self.hidden)}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be positive, not {self.learning_rate}")
        if not 0 <= self.validation < 1:
            raise ValueError(f"validation must be in [0, 1), not {self.validation}")
        if self.sampling not in ("balanced", "pooled"):
            raise ValueError(f"sampling must be 'balanced' or 'pooled', not '{self.sampling}'")
        if self.edited_layer not in ("after", "before"):
            raise ValueError(f"edited_layer must be 'after' or 'before', not '{self.edited_layer}'")


class Model(Representation):
    """Mean squared error of S, T and X: L(S, T, X) = MSE[(S, T, X), D(E(S, T, X))]."""

    Settings = Settings
    data = frozenset({"tabular"})

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "Model":
        import torch

        from outofsample.training import Budget, Player, pick_device, train

        torch.manual_seed(seed)
        device = pick_device(run.device)
        groups = [{"x": torch.from_numpy(self._scale(data, cells)).to(device)} for cells in self._groups(data)]
        self.network = self._build(data.X.shape[1]).to(device)

        def reconstruction(batches):
            x = torch.cat([batch["x"] for batch in batches])
            return {"loss": torch.nn.functional.mse_loss(self.network(x), x)}

        settings = self.settings
        player = Player("train", list(self.network.parameters()), reconstruction, settings.learning_rate)
        budget = Budget(settings.epochs, settings.batch_size, settings.patience, settings.validation)
        self.history = train(self.network, [player], groups, budget, seed, run)
        return self

    def _groups(self, data: TrainingData) -> list[np.ndarray]:
        """Return the masks (cells,) of the populations that each step draws from; no context, no reference."""
        roles = ("source", "target", "query")
        if self.settings.sampling == "pooled":
            return [np.isin(data.role, roles)]
        return [data.role == role for role in roles if (data.role == role).any()]

    def _scale(self, data: TrainingData, cells: np.ndarray) -> np.ndarray:
        """Learn centre and scale from the training cells, and return some of them (cells, features) scaled."""
        fitted = data.X[np.isin(data.role, ("source", "target", "query"))]
        features = fitted.shape[1]
        self.centre, self.spread = np.zeros(features, np.float32), np.ones(features, np.float32)
        if self.settings.standardize:
            self.centre = fitted.mean(axis=0)
            self.spread = np.where(fitted.std(axis=0) > 0, fitted.std(axis=0), 1).astype(np.float32)
        return (data.X[cells] - self.centre) / self.spread

    def _build(self, features: int):
        from outofsample.networks.dense import DenseAutoencoder

        settings = self.settings
        before = settings.edited_layer == "before"
        return DenseAutoencoder(features, settings.hidden, settings.latent, settings.leak, before)

    def state(self) -> dict:
        network = {name: value.cpu() for name, value in self.network.state_dict().items()}
        return {"network": network, "centre": self.centre, "spread": self.spread}

    def load_state(self, state: dict) -> "Model":
        import torch

        self.centre, self.spread = np.asarray(state["centre"]), np.asarray(state["spread"])
        self.network = self._build(len(self.centre))
        self.network.load_state_dict({name: torch.as_tensor(value) for name, value in state["network"].items()})
        self.network.eval()
        return self

    def encode(self, X: np.ndarray, condition: str | None = None) -> np.ndarray:
        return self._apply(self.network.encode, (X - self.centre) / self.spread)

    def decode(self, Z: np.ndarray, condition: str | None = None) -> np.ndarray:
        return self._apply(self.network.decode, Z) * self.spread + self.centre

    def _apply(self, function, values: np.ndarray) -> np.ndarray:
        import torch

        device = next(self.network.parameters()).device
        with torch.no_grad():
            return function(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(device)).cpu().numpy()

"""What all our networks have in common: settings of the training, scaling, groups of cells, saving."""

from dataclasses import dataclass, replace

import numpy as np

from outofsample.arrays import TrainingData
from outofsample.errors import UserError
from outofsample.models.families.base import IMAGES_AT_ONCE, Model
from outofsample.training.run import Run


@dataclass(frozen=True)
class NetworkSettings:
    """How a network is trained.

    Attributes
    ----------
    learning_rate
        Of Adam.
    batch_size
        Cells per population and step.
    epochs, max_steps
        At most so many epochs, or so many steps, whatever ``epochs`` says. The log and the history say how many steps
        the epochs are.
    patience, validation
        Stop after so many epochs without a better loss on the held-out share (None: never).
    learning_rate_patience
        Divide the learning rate by ten after so many epochs without a better loss (None: never). Where both are None
        nothing is held out.
    clip_gradient
        Scale gradients down to this norm (None: never).
    standardize
        Whether features are centred and scaled inside the model, by training cells; images have a scale of their own.
    precision
        ``float32``; ``bfloat16``: matrix products of the training with 8 bits of mantissa, losses and weights in
        float32; ``auto``: bfloat16 where the processor multiplies it (AVX512-BF16, AMX, a GPU), where it takes half
        of the time, and float32 elsewhere, where bfloat16 is emulated and takes several times as long.
    """

    learning_rate: float = 1e-3
    batch_size: int = 100
    epochs: int = 100
    max_steps: int | None = None
    patience: int | None = 10
    validation: float = 0.1
    learning_rate_patience: int | None = None
    clip_gradient: float | None = None
    standardize: bool = False
    precision: str = "float32"

    def __post_init__(self):
        self.require_word("precision", "auto", "float32", "bfloat16")
        self.require_at_least(1, "batch_size", "epochs")
        optional = ("max_steps", "patience", "learning_rate_patience")
        self.require_at_least(1, *(name for name in optional if getattr(self, name) is not None))
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

    ``network`` is the fitted module, ``conditions`` the names of the conditions that it knows, in order,
    ``image_shape`` the (height, width, channels) of the images that it was fitted to, or None for tables, and
    ``precision`` that of its training, ``float32`` or ``bfloat16``.

    Images stay one uint8 tensor that all groups share; each batch of them is scaled when its turn comes.
    """

    data = frozenset({"tabular"})
    #: What pixels 0 and 255 become inside the network.
    pixel_range: tuple[float, float] = (-1.0, 1.0)
    #: Roles of the cells that the network is trained on.
    roles: tuple[str, ...] = ("source", "target", "query")

    def build(self, features: int):
        """Return the untrained network (a torch module) for so many features; for images see ``image_shape``."""
        raise NotImplementedError

    def groups(self, data: TrainingData) -> list[np.ndarray]:
        """Return the masks (cells,) of the populations that each step draws from."""
        return [data.role == role for role in self.roles if (data.role == role).any()]

    def players(self, network) -> list:
        """Return the sides of the training (`outofsample.training.player.Player`) of a network."""
        raise NotImplementedError

    def player(self, name: str, parameters, terms, **options):
        """Return a player with the learning rate and the gradient clipping of the settings.

        Its terms see batches on the scale of the network.
        """
        from outofsample.training.player import Player

        settings = self.settings
        if self.image_shape is not None:
            terms = self._on_scaled(terms)
        if self.precision == "bfloat16":
            from outofsample.training.precision import in_bfloat16

            terms = in_bfloat16(terms)
        return Player(name, list(parameters), terms, settings.learning_rate, settings.clip_gradient, **options)

    def _on_scaled(self, terms):
        """Return the terms as a function of batches of pixels."""
        centre, spread = float(self.centre[0]), float(self.spread[0])

        def scaled_terms(batches):
            return terms([{**batch, "x": (batch["x"].float() - centre).div_(spread)} for batch in batches])

        return scaled_terms

    def budget(self, groups: int):
        """Return how long to train, given the number of groups."""
        from outofsample.training.budget import Budget

        settings = self.settings
        return Budget(
            settings.epochs,
            settings.batch_size,
            settings.patience,
            settings.validation,
            settings.learning_rate_patience,
            settings.max_steps,
            **({} if self.image_shape is None else {"validation_chunk": IMAGES_AT_ONCE}),
        )

    def fit(self, data: TrainingData, seed: int = 0, run: Run = Run()) -> "NeuralModel":
        import torch

        from outofsample.training.device import pick_device
        from outofsample.training.loop import train
        from outofsample.training.precision import choose_precision

        if not self.data & data.kinds:
            raise UserError(f"This model takes {' or '.join(sorted(self.data))} data, not {' or '.join(data.kinds)}.")
        torch.manual_seed(seed)
        device = pick_device(run.device)
        self.precision = choose_precision(self.settings.precision, device)
        # A training that began in another precision, on another machine of a cluster, is not gone on with.
        run = replace(run, fingerprint=f"{run.fingerprint} {self.precision}")
        self.image_shape = data.image_shape
        self.learn_scale(data)
        self.conditions = np.unique(data.condition[np.isin(data.role, self.roles)]).tolist()
        self.network = self.build(data.X.shape[1]).to(device)
        groups = self.as_groups(data, device)
        history = train(self.network, self.players(self.network), groups, self.budget(len(groups)), seed, run)
        self.history = [{**row, "precision": self.precision} for row in history]
        return self

    def learn_scale(self, data: TrainingData) -> None:
        """Learn centre and spread (features,) from the training cells; those of images follow from `pixel_range`."""
        if self.image_shape is not None:
            if self.settings.standardize:
                raise UserError("standardize: true is for tables; images are scaled by the range of their pixels.")
            low, high = self.pixel_range
            self.spread = np.full(data.X.shape[1], 255 / (high - low), np.float32)
            self.centre = np.full(data.X.shape[1], -low * 255 / (high - low), np.float32)
            return
        self.centre = np.zeros(data.X.shape[1], np.float32)
        self.spread = np.ones(data.X.shape[1], np.float32)
        if self.settings.standardize:
            fitted = data.X[np.isin(data.role, self.roles)]
            self.centre = fitted.mean(axis=0)
            self.spread = np.where(fitted.std(axis=0) > 0, fitted.std(axis=0), 1).astype(np.float32)

    def scaled(self, X: np.ndarray) -> np.ndarray:
        """Return data (cells, features) on the scale of the network."""
        return (X - self.centre) / self.spread

    def _scaled_copy(self, X: np.ndarray) -> np.ndarray:
        """Return data (cells, features) as float32 on the scale of the network, in the place of ``X``, a copy."""
        X = X.astype(np.float32, copy=False)
        X -= self.centre
        X /= self.spread
        return X

    def unscaled(self, X: np.ndarray) -> np.ndarray:
        """Return data (cells, features) of the network on their own scale."""
        return X * self.spread + self.centre

    def as_groups(self, data: TrainingData, device) -> list:
        """Return what each step draws from: the tensors of each group, or for images its rows of shared tensors."""
        if self.image_shape is None:
            return [self.as_group(data, cells, device) for cells in self.groups(data)]

        import torch

        from outofsample.training.rows import Rows

        # Shares the memory of the array, where torch may write to it, which it never does here.
        pixels = torch.from_numpy(np.require(data.X, requirements=["C", "W"])).to(device)
        known = np.isin(data.condition, self.conditions)
        codes = np.where(known, np.searchsorted(self.conditions, data.condition), 0)
        shared = {"x": pixels, "condition": torch.from_numpy(codes).to(device)}
        return [Rows(shared, torch.from_numpy(np.flatnonzero(cells)).to(device)) for cells in self.groups(data)]

    def as_group(self, data: TrainingData, cells: np.ndarray, device) -> dict:
        """Return the tensors of some cells: ``x`` (cells, features) and ``condition`` (cells,), a number each."""
        import torch

        codes = np.searchsorted(self.conditions, data.condition[cells])
        return {
            "x": torch.from_numpy(self._scaled_copy(data.X[cells])).to(device),
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
        return {
            "network": network,
            "centre": self.centre,
            "spread": self.spread,
            "conditions": list(self.conditions),
            "image_shape": self.image_shape,
        }

    def load_state(self, state: dict) -> "NeuralModel":
        import torch

        self.centre, self.spread = np.asarray(state["centre"]), np.asarray(state["spread"])
        self.conditions, shape = list(state["conditions"]), state["image_shape"]
        self.image_shape = None if shape is None else tuple(shape)
        self.network = self.build(len(self.centre))
        self.network.load_state_dict({name: torch.as_tensor(value) for name, value in state["network"].items()})
        self.network.eval()
        return self

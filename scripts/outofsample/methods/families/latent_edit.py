"""Methods that edit a representation: Neuron Editing, its competitors in other spaces, and scGen."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData
from outofsample.edits.support.base import create_edit
from outofsample.methods.families.base import Method, residual, residual_floor


@dataclass(frozen=True)
class EditSettings:
    """Options of a latent edit.

    Attributes
    ----------
    model
        Name of the representation that is edited.
    edit
        Name of the edit (a file in `outofsample.edits`).
    edit_options
        Options of that edit, for example ``{tails: robust}``.
    balance
        ``domains``: each domain counts alike in S and in T, as scGen balances cell types; ``none``: each cell does.
    output
        ``decode``: the decoded edited activations, as in the papers; ``residual``: the cell itself plus the
        difference between decoded edited and decoded unedited activations.
    edit_units
        Where the activations are a feature map (convolutional networks; the image itself): ``unit``, each unit at
        each position has its own edit, as Eq. 1 has it; ``channel``: a channel has one edit for all positions, learned
        from the values of all. Elsewhere the two are the same.
    """

    model: str = "identity"
    edit: str = "percentile"
    edit_options: dict[str, Any] | None = None
    balance: str = "none"
    output: str = "decode"
    edit_units: str = "unit"

    def __post_init__(self):
        if self.edit_units not in ("unit", "channel"):
            raise ValueError(f"edit_units must be 'unit' or 'channel', not '{self.edit_units}'")
        if self.output not in ("decode", "residual"):
            raise ValueError(f"output must be 'decode' or 'residual', not '{self.output}'")
        if self.balance not in ("none", "domains"):
            raise ValueError(f"balance must be 'none' or 'domains', not '{self.balance}'")
        create_edit(self.edit, self.edit_options)


class LatentEdit(Method):
    """Representation x edit: encode, edit each unit, decode (Neuron Editing, Section 2).

    The edit is learned on the activations of S and T. With ``output: residual`` a cell keeps what the
    representation does not explain; the result is cut off at zero where all training data are non-negative.
    """

    Settings = EditSettings
    stochastic = False

    @classmethod
    def parts(cls, settings: EditSettings) -> list[tuple[str, str]]:
        return [("edits", settings.edit)]

    @classmethod
    def is_unbounded(cls, settings: EditSettings) -> bool:
        return create_edit(settings.edit, settings.edit_options).is_unbounded

    def learn(self, data: TrainingData, seed: int) -> None:
        self.edits = {}
        self.floor = residual_floor(data)
        for query in data.queries:
            key = (query.source, query.target)
            if key not in self.edits:
                source = self._encode(data.X, self._cells(data, data.is_source(query)), query.source)
                target = self._encode(data.X, self._cells(data, data.is_target(query)), query.target)
                edit = create_edit(self.settings.edit, self.settings.edit_options)
                self.edits[key] = edit.fit(self._units(source), self._units(target))

    def _cells(self, data: TrainingData, mask: np.ndarray) -> np.ndarray:
        """Return the indices of the cells that the edit is learned on; small domains repeat where they are balanced."""
        cells = np.flatnonzero(mask)
        if self.settings.balance == "none":
            return cells
        domains = [cells[data.domain[cells] == domain] for domain in np.unique(data.domain[cells])]
        return np.concatenate([np.resize(domain, max(map(len, domains))) for domain in domains])

    def _encode(self, X: np.ndarray, cells: np.ndarray, condition: str) -> np.ndarray:
        """Return the activations of some of the cells X, which are not all copied at once."""
        return np.concatenate([self.fitted.encode(X[part], condition) for part in self.chunks(cells)])

    def _units(self, latent: np.ndarray) -> np.ndarray:
        """Return activations (cells, units) as the edit takes them: by channel (cells x positions, channels)."""
        shape = self.fitted.latent_shape if self.settings.edit_units == "channel" else None
        return latent if shape is None else latent.reshape(-1, shape[-1])

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        edit = self.edits[query.source, query.target]
        outputs, latents, per_cell, outside, values = [], [], [], 0.0, 0
        # Feature maps are larger than the images that they stand for: they are not kept.
        keeps_latent = self.model_name(self.settings) != "identity" and self.fitted.latent_shape is None
        for part in self.chunks(X):
            latent = self.fitted.encode(part, query.source)
            units = self._units(latent)
            edited = edit.transform(units).reshape(latent.shape)
            output = self.fitted.decode(edited, query.target)
            if self.settings.output == "residual":
                output = residual(part, output, self.fitted.decode(latent, query.source), self.floor)
            outputs.append(output.astype(np.float32, copy=False))
            latents += [edited] if keeps_latent else []
            beyond = edit.outside(units)
            per_cell.append(beyond.reshape(len(part), -1).mean(axis=1))
            outside, values = outside + beyond.sum(axis=0), values + len(units)
        latent = np.concatenate(latents) if keeps_latent else None
        return Prediction(np.concatenate(outputs), latent, None, outside / values, np.concatenate(per_cell))

    def state(self) -> dict:
        return {
            "floor": self.floor,
            "edits": [[*key, edit.state()] for key, edit in self.edits.items()],
        }

    def load_state(self, state: dict) -> None:
        self.floor = state["floor"]
        options = self.settings.edit_options
        self.edits = {
            (source, target): create_edit(self.settings.edit, options).load_state(edit)
            for source, target, edit in state["edits"]
        }

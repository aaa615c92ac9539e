"""Methods whose model knows conditions: encode under one, decode under another."""

import zlib
from dataclasses import dataclass

import numpy as np

from outofsample.arrays import Prediction, Query, TrainingData, as_float
from outofsample.methods.families.base import Method, residual, residual_floor


@dataclass(frozen=True)
class DecoderSettings:
    """Options of a conditional decoder.

    Attributes
    ----------
    model
        Name of the conditional model.
    output
        ``decode``: the cell decoded under the target condition, as in the papers; ``residual``: the cell itself plus
        the difference between decoding under the target and under its own condition.
    prediction
        ``mean``, or ``sample`` from the encoder's distribution and from the noise model, where the model has one.
    """

    model: str = "trvae"
    output: str = "decode"
    prediction: str = "mean"

    def __post_init__(self):
        if self.output not in ("decode", "residual"):
            raise ValueError(f"output must be 'decode' or 'residual', not '{self.output}'")
        if self.prediction not in ("mean", "sample"):
            raise ValueError(f"prediction must be 'mean' or 'sample', not '{self.prediction}'")
        if (self.output, self.prediction) == ("residual", "sample"):
            raise ValueError("output 'residual' keeps the cell's own noise; combine it with prediction 'mean'")


class ConditionalDecoder(Method):
    """Encode the query under its own condition, decode it under the target's (trVAE, Section 3)."""

    Settings = DecoderSettings
    takes_chains = True

    def learn(self, data: TrainingData, seed: int) -> None:
        self.floor, self.seed = residual_floor(data), seed

    def predict(self, X: np.ndarray, query: Query, counts: np.ndarray | None = None) -> Prediction:
        rng = self._noise_of(X)
        counted = [None] * len(list(self.chunks(X))) if counts is None else self.chunks(counts)
        outputs = [
            self._translate(part, query, self._next_sample(rng), part_counts)
            for part, part_counts in zip(self.chunks(X), counted, strict=True)
        ]
        joined = {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]}
        return Prediction(joined["x"].astype(np.float32, copy=False), joined.get("latent"), joined.get("matched"))

    def _noise_of(self, X: np.ndarray) -> np.random.Generator:
        """Return the generator of the draws for cells (cells, features): the same for the same cells, in any file.

        The seed alone would give every block of a cohort the same noise.
        """
        key = zlib.crc32(np.ascontiguousarray(as_float(X))) if self.settings.prediction == "sample" else 0
        return np.random.default_rng([self.seed, key])

    def _next_sample(self, rng: np.random.Generator) -> int | None:
        """Return the seed of the draws for the next chunk: with one for all, their noise would repeat."""
        return int(rng.integers(2**31)) if self.settings.prediction == "sample" else None

    def _translate(self, X: np.ndarray, query: Query, sample: int | None, counts) -> dict[str, np.ndarray]:
        output = self.fitted.translate(X, query.source, query.target, sample, counts)
        if self.settings.output == "residual":
            before = self.fitted.translate(X, query.source, query.source, sample, counts)["x"]
            output["x"] = residual(X, output["x"], before, self.floor)
        return output

    def state(self) -> dict:
        return {"floor": self.floor, "seed": self.seed}

    def load_state(self, state: dict) -> None:
        self.floor, self.seed = state["floor"], state["seed"]

"""Fitting a model for a batch of seeds, with checkpoints from which an interrupted training goes on."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from outofsample import registry
from outofsample.arrays import TrainingData
from outofsample.errors import UserError
from outofsample.files.writing import sha256
from outofsample.jobs.train import ModelSpec


@dataclass(frozen=True)
class Fit:
    """A model as a study has it, and how it is fitted.

    Attributes
    ----------
    model
        Name, file and settings of the model.
    device
        Where it is trained.
    checkpoints
        Folder of an interrupted training.
    checkpoint_seconds
        Seconds between two checkpoints.
    """

    model: ModelSpec
    device: str
    checkpoints: Path
    checkpoint_seconds: float

    def fingerprint(self, train: Path, code: Iterable[Path]) -> str:
        """Return a hash of everything that the fit depends on: data, settings and the files of the code."""
        return json.dumps([sha256(train), self.model.settings, [sha256(path) for path in code], self.device])

    def checkpoint_file(self, seed: int) -> Path:
        """Return the file that an interrupted training of a seed goes on from."""
        return self.checkpoints / f"seed_{seed}.pt"

    def remove_checkpoints(self, seeds: Iterable[int]) -> None:
        """Remove what an interrupted training of some seeds would go on from."""
        for checkpoint in map(self.checkpoint_file, seeds):
            # A model of several networks puts their numbers behind the name.
            for path in [checkpoint, *checkpoint.parent.glob(f"{checkpoint.stem}_*{checkpoint.suffix}")]:
                path.unlink(missing_ok=True)


def fit_seeds(fit: Fit, data: TrainingData, seeds: Iterable[int], fingerprint: str) -> tuple[dict[int, dict], list]:
    """Fit the model for each seed; return the fitted states by seed and the histories (a row per seed and epoch).

    Checkpoints with another ``fingerprint`` are not gone on from.

    Raises
    ------
    UserError
        If the GPU has too little memory.
    """
    import torch

    from outofsample.training.run import Run

    spec, states, history = fit.model, {}, []
    for seed in seeds:
        print(f"{spec.name}: seed {seed}, {len(data.X)} cells x {data.X.shape[1]} features", flush=True)
        run = Run(fit.device, fit.checkpoint_file(seed), fingerprint, fit.checkpoint_seconds, progress=True)
        try:
            model = registry.create("models", spec.uses, spec.settings).fit(data.with_steps(), seed, run)
        except torch.cuda.OutOfMemoryError as error:
            raise UserError(
                f"models.{spec.name}: the GPU has too little memory for batch_size {spec.settings.get('batch_size')} "
                f"with {data.X.shape[1]} features; set a smaller 'batch_size' (models.{spec.name}.batch_size in the "
                "study), take a GPU with more memory, or 'device: cpu'. CUDA says: "
                f"{str(error).splitlines()[0]}"
            ) from error
        states[seed] = model.as_tensors()
        history += [{**row, "seed": seed} for row in model.history]
    return states, history

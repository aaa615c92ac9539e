"""One process of the benchmark: make the data, or train one model on them and time its epochs.

Called by ``epoch_time.py``. It runs in our environment and in that of the peers, which has no ``outofsample``: every
package is therefore imported where it is used.
"""

import argparse
import json
import os
import resource
import sys
import time
from functools import partialmethod
from pathlib import Path

#: trVAE's style transfer GAN, its Table 7, as `studies/open_data.yaml` has it.
STYLE_GAN = {
    "widths": [700, 100, 50, 100, 700],
    "discriminator_widths": [700, 100],
    "dropout": 0.5,
    "batch_norm": True,
    "adversarial": "cross_entropy",
}
TYPES, CONDITIONS = 7, ("control", "stimulated")


class Clock:
    """Wall and CPU seconds, steps, and cells drawn in training, of each epoch."""

    def __init__(self):
        self.epochs: list[dict] = []

    def start(self) -> None:
        """Begin an epoch."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self, steps: int, cells: int) -> None:
        """End an epoch of so many steps that drew so many cells for training."""
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        self.epochs.append({"wall": wall, "cpu": cpu, "steps": steps, "cells": cells})


def peak_memory() -> float:
    """Return the largest resident set size of this process so far, in MiB."""
    # Linux gives KiB, macOS bytes.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def make_data(folder: Path, cells: int, features: int, seed: int) -> None:
    """Write negative binomial counts of 2 conditions x 7 cell types, and log1p of counts per 10,000.

    As in trVAE's task on the data of Kang et al., the stimulated cells of the last type are held out: ``cells`` are
    dealt to the other 13 groups in turn. ``counts.npy`` and ``X.npy`` are (cells, features) float32; ``groups.npy``
    (cells, 2) holds the numbers of condition and cell type.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    groups = [(c, t) for t in range(TYPES) for c in range(len(CONDITIONS)) if (c, t) != (1, TYPES - 1)]
    group = np.array(groups)[np.arange(cells) % len(groups)]
    base = rng.normal(-2.0, 1.5, features)
    by_type = rng.normal(0.0, 0.7, (TYPES, features))
    by_condition = np.stack([np.zeros(features), rng.normal(0.0, 1.0, features) * (rng.random(features) < 0.1)])
    mean = np.exp(base + by_type[group[:, 1]] + by_condition[group[:, 0]]) * rng.lognormal(0, 0.3, (cells, 1))
    counts = rng.poisson(rng.gamma(2.0, mean / 2.0)).astype(np.float32)
    size = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.save(folder / "counts.npy", counts)
    np.save(folder / "X.npy", np.log1p(counts / size * 1e4))
    np.save(folder / "groups.npy", group)


def our_model(name: str, folder: Path, epochs: int, clock: Clock):
    """Return a function that trains one of our models, and its settings by name.

    All settings are the model's defaults, but for the number of epochs, and the patience where it is shorter.
    """
    import numpy as np

    from outofsample import registry, training
    from outofsample.arrays import Query, TrainingData
    from outofsample.models.base import Run

    uses = "cyclegan" if name == "style_gan" else name
    model = registry.find("models", uses)
    settings = model.Settings(epochs=epochs, **(STYLE_GAN if name == "style_gan" else {}))
    if settings.patience is not None and settings.patience <= epochs:
        settings = model.Settings(**{**vars(settings), "patience": epochs + 1})
    condition, kind = np.load(folder / "groups.npy").T
    role = np.where(condition == 0, "source", "target")
    role[kind == TYPES - 1] = "query"
    X = np.load(folder / "X.npy")
    data = TrainingData(
        X=X,
        role=role,
        condition=np.array(CONDITIONS)[condition],
        domain=np.char.add("type", kind.astype(str)),
        features=tuple(f"gene{number}" for number in range(X.shape[1])),
        queries=(Query("held_out", f"type{TYPES - 1}", *CONDITIONS),),
        # Pipelines hand counts to every model of a study on counts; those that do not use them should not pay here.
        counts=np.load(folder / "counts.npy") if "tabular" not in model.data else None,
    )
    if "tabular" in model.data:
        _time_our_loop(training._Loop, clock)
    else:
        _time_scvi(clock)
    return lambda: model(settings).fit(data, run=Run(device="cpu")), vars(settings)


def _time_our_loop(loop: type, clock: Clock) -> None:
    """Let the training loop tell the clock; there is no public hook, and the pipeline needs none."""
    plain = loop._run_epoch

    def timed(self, stopped):
        clock.start()
        plain(self, stopped)
        clock.stop(self.steps, self.steps * self.budget.batch_size * len(self.training))

    loop._run_epoch = timed


def _time_scvi(clock: Clock) -> None:
    """Let scvi-tools' training tell the clock."""
    import scvi
    from lightning.pytorch.callbacks import Callback

    class Timer(Callback):
        def on_train_epoch_start(self, trainer, module):
            self.steps = self.cells = 0
            clock.start()

        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            self.steps += 1
            self.cells += len(batch["X"])

        # Validation comes before this.
        def on_train_epoch_end(self, trainer, module):
            clock.stop(self.steps, self.cells)

    scvi.model.SCVI.train = partialmethod(scvi.model.SCVI.train, callbacks=[Timer()])


def _annotated(folder: Path, name: str):
    import anndata
    import numpy as np
    import pandas as pd

    condition = np.array(CONDITIONS)[np.load(folder / "groups.npy")[:, 0]]
    obs = pd.DataFrame({"condition": pd.Categorical(condition)}, index=np.arange(len(condition)).astype(str))
    return anndata.AnnData(np.load(folder / f"{name}.npy"), obs=obs)


def plain_scvi(folder: Path, epochs: int, clock: Clock):
    """Return a function that trains scvi-tools' SCVI as it comes, the condition as batch; and its settings."""
    import scvi

    adata = _annotated(folder, "counts")
    scvi.settings.seed = 0
    scvi.model.SCVI.setup_anndata(adata, batch_key="condition")
    model = scvi.model.SCVI(adata)
    _time_scvi(clock)
    return lambda: model.train(epochs, accelerator="cpu", enable_progress_bar=False), {"batch_size": 128}


def scarches_trvae(folder: Path, epochs: int, clock: Clock):
    """Return a function that trains scArches' trVAE, and its settings.

    Widths, latent units, dropout, batch norm, squared error and the matched layer are those of our ``trvae``; the
    weights of the terms do not change the time, but beta must be positive for MMD to be computed.
    """
    import anndata

    # scArches 0.6.1 imports a name that anndata has since dropped.
    anndata.read = anndata.read_h5ad
    from scarches.models import TRVAE
    from scarches.trainers.trvae.unsupervised import trVAETrainer

    ended = trVAETrainer.on_epoch_end

    def timed_end(self):
        ended(self)
        clock.stop(self.iters_per_epoch, self.n_samples)

    trVAETrainer.on_epoch_begin = lambda self, lr, eps: clock.start()
    trVAETrainer.on_epoch_end = timed_end
    model = TRVAE(
        _annotated(folder, "X"),
        condition_key="condition",
        hidden_layer_sizes=[800, 800, 128],
        latent_dim=50,
        dr_rate=0.2,
        use_mmd=True,
        mmd_on="y",
        recon_loss="mse",
        beta=100.0,
        use_bn=True,
        use_ln=False,
    )
    settings = {"batch_size": 512}
    return lambda: model.train(n_epochs=epochs, early_stopping_kwargs={"patience": epochs + 1}, **settings), settings


def train(name: str, folder: Path, warm_up: int, epochs: int) -> dict:
    """Train one model and return its measured epochs, peak memory before and after training, and batch size."""
    import torch

    torch.set_num_threads(1)
    clock = Clock()
    peers = {"scvi_tools_scvi": plain_scvi, "scarches_trvae": scarches_trvae}
    if name in peers:
        fit, settings = peers[name](folder, warm_up + epochs, clock)
    else:
        fit, settings = our_model(name, folder, warm_up + epochs, clock)
    before = peak_memory()
    fit()
    if len(clock.epochs) != warm_up + epochs:
        raise RuntimeError(f"{name}: {len(clock.epochs)} epochs were timed, not {warm_up + epochs}.")
    return {
        "torch": torch.__version__,
        "batch_size": settings["batch_size"],
        "memory_before": before,
        "memory_peak": peak_memory(),
        "epochs": clock.epochs[warm_up:],
    }


def main() -> None:
    """Run the command line; the result is one line of JSON on standard output, all else goes to standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", help="'data', or the name of a model")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cells", type=int, default=13500)
    parser.add_argument("--features", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=1)
    arguments = parser.parse_args()
    # The packages print progress of their own.
    with os.fdopen(os.dup(1), "w") as result:
        os.dup2(2, 1)
        if arguments.what == "data":
            make_data(arguments.folder, arguments.cells, arguments.features, arguments.seed)
            return
        measured = train(arguments.what, arguments.folder, arguments.warm_up, arguments.epochs)
        result.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()

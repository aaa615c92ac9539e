"""One process of the benchmark: make the data, train one model on them and time its epochs, or time its products.

Called by ``epoch_time.py``. It runs in our environment and in those of the peers, which have no ``outofsample``: every
package is therefore imported where it is used.
"""

import argparse
import json
import os
import resource
import sys
import time
from functools import partialmethod
from importlib.metadata import version
from pathlib import Path

#: trVAE's style transfer GAN, its Table 7, as `studies/open_data.yaml` has it.
STYLE_GAN = {
    "widths": [700, 100, 50, 100, 700],
    "discriminator_widths": [700, 100],
    "dropout": 0.5,
    "batch_norm": True,
    "adversarial": "cross_entropy",
}
#: What pertpy's scGen is given: 2 layers of 800, latent 100, a linear output.
SCGEN = {"batch_size": 512, "hidden": (800, 800), "latent": 100, "nonnegative": False}
#: Models of ours under other settings than their defaults: the model, and these settings.
VARIANTS = {
    "style_gan": ("cyclegan", STYLE_GAN),
    "trvae_bfloat16": ("trvae", {"precision": "bfloat16"}),
    "vae_512": ("vae", SCGEN),
    "vae_512_bfloat16": ("vae", {**SCGEN, "precision": "bfloat16"}),
}
#: Packages of the peers whose versions are reported beside torch's.
PACKAGES = {
    "scvi_tools_scvi": ("scvi-tools",),
    "scarches_trvae": ("scArches",),
    "pertpy_scgen": ("pertpy", "scvi-tools", "jax"),
}
#: How often each matrix product is timed; the fastest counts.
REPETITIONS = 10
TYPES, CONDITIONS = 7, ("control", "stimulated")


def seconds() -> tuple[float, float]:
    """Return wall and CPU seconds from some moment on."""
    return time.perf_counter(), time.process_time()


class Clock:
    """Wall and CPU seconds, steps, and cells drawn in training, of each epoch.

    ``training_wall`` and ``training_cpu`` are those without the validation pass, where that was timed.
    """

    def __init__(self):
        self.epochs: list[dict] = []

    def start(self) -> None:
        """Begin an epoch."""
        self.validation = None
        self.started = seconds()

    def stop(self, steps: int, cells: int) -> None:
        """End an epoch of so many steps that drew so many cells for training."""
        wall, cpu = (now - before for now, before in zip(seconds(), self.started, strict=True))
        epoch = {"wall": wall, "cpu": cpu, "steps": steps, "cells": cells}
        if self.validation is not None:
            epoch |= {"training_wall": wall - self.validation[0], "training_cpu": cpu - self.validation[1]}
        self.epochs.append(epoch)


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


def _our_model(name: str, epochs: int):
    """Return one of our models, not fitted.

    All settings are the model's defaults, or those of `VARIANTS`, but for the number of epochs, and the patience
    where it is shorter.
    """
    from outofsample import registry

    uses, others = VARIANTS.get(name, (name, {}))
    model = registry.find("models", uses)
    settings = model.Settings(epochs=epochs, **others)
    if settings.patience is not None and settings.patience <= epochs:
        settings = model.Settings(**{**vars(settings), "patience": epochs + 1})
    return model(settings)


def _training_data(folder: Path, counts: bool):
    """Return the data, with raw counts where asked: those models that do not use them should not pay for them."""
    import numpy as np

    from outofsample.arrays import Query, TrainingData

    condition, kind = np.load(folder / "groups.npy").T
    role = np.where(condition == 0, "source", "target")
    role[kind == TYPES - 1] = "query"
    X = np.load(folder / "X.npy")
    return TrainingData(
        X=X,
        role=role,
        condition=np.array(CONDITIONS)[condition],
        domain=np.char.add("type", kind.astype(str)),
        features=tuple(f"gene{number}" for number in range(X.shape[1])),
        queries=(Query("held_out", f"type{TYPES - 1}", *CONDITIONS),),
        counts=np.load(folder / "counts.npy") if counts else None,
    )


def our_epochs(name: str, folder: Path, epochs: int, clock: Clock):
    """Return a function that trains one of our models, and its settings by name."""
    from outofsample.training import loop
    from outofsample.training.run import Run

    model = _our_model(name, epochs)
    tabular = "tabular" in model.data
    data = _training_data(folder, counts=not tabular)
    if tabular:
        _time_our_loop(loop._Loop, clock)
    else:
        _time_scvi(clock)
    return lambda: model.fit(data, run=Run(device="cpu")), vars(model.settings)


def _time_our_loop(loop: type, clock: Clock) -> None:
    """Let the training loop tell the clock; there is no public hook, and the pipeline needs none."""
    plain, validate = loop._run_epoch, loop._validate

    def timed(self, stopped):
        clock.start()
        plain(self, stopped)
        clock.stop(self.steps, self.steps * self.budget.batch_size * len(self.training))

    def timed_validation(self):
        before = seconds()
        found = validate(self)
        clock.validation = tuple(now - then for now, then in zip(seconds(), before, strict=True))
        return found

    loop._run_epoch, loop._validate = timed, timed_validation


def _time_scvi(clock: Clock) -> None:
    """Let the training of scvi-tools' SCVI tell the clock."""
    import scvi

    scvi.model.SCVI.train = partialmethod(scvi.model.SCVI.train, callbacks=[_lightning_timer(clock)])


def _lightning_timer(clock: Clock):
    """Return a callback of Lightning that tells the clock."""
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

    return Timer()


def _annotated(folder: Path, name: str):
    import anndata
    import numpy as np
    import pandas as pd

    condition, kind = np.load(folder / "groups.npy").T
    columns = {"condition": np.array(CONDITIONS)[condition], "cell_type": np.char.add("type", kind.astype(str))}
    obs = pd.DataFrame(columns, index=np.arange(len(condition)).astype(str), dtype="category")
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


def pertpy_scgen(folder: Path, epochs: int, clock: Clock):
    """Return a function that trains pertpy's scGen, which runs on JAX, and its settings.

    Called as its documentation does, with early stopping, and so with a validation pass in each epoch as ours.
    """
    import scvi
    from pertpy.tools import Scgen

    scvi.settings.seed = 0
    adata = _annotated(folder, "X")
    Scgen.setup_anndata(adata, batch_key="condition", labels_key="cell_type")
    model = Scgen(adata, n_hidden=SCGEN["hidden"][0], n_layers=len(SCGEN["hidden"]), n_latent=SCGEN["latent"])
    settings = {"batch_size": SCGEN["batch_size"]}
    options = {
        "accelerator": "cpu",
        "early_stopping": True,
        "early_stopping_patience": epochs + 1,
        "enable_progress_bar": False,
        "callbacks": [_lightning_timer(clock)],
    }
    return lambda: model.train(epochs, **settings, **options), settings


def train(name: str, folder: Path, warm_up: int, epochs: int) -> dict:
    """Train one model and return its measured epochs, peak memory before and after training, and batch size."""
    clock = Clock()
    peers = {"scvi_tools_scvi": plain_scvi, "scarches_trvae": scarches_trvae, "pertpy_scgen": pertpy_scgen}
    if name in peers:
        fit, settings = peers[name](folder, warm_up + epochs, clock)
    else:
        fit, settings = our_epochs(name, folder, warm_up + epochs, clock)
    before = peak_memory()
    fit()
    if len(clock.epochs) != warm_up + epochs:
        raise RuntimeError(f"{name}: {len(clock.epochs)} epochs were timed, not {warm_up + epochs}.")
    return {
        "batch_size": settings["batch_size"],
        "memory_before": before,
        "memory_peak": peak_memory(),
        "epochs": clock.epochs[warm_up:],
    }


def matrix_products(name: str, folder: Path) -> dict:
    """Return the seconds that the matrix products alone of an epoch of ``NAME_products`` take, in both precisions.

    Those of a training step are the forward product, the weight gradient and the input gradient of each linear layer.
    Their sizes are read off the network in a step of its own. Each product is timed several times, the fastest is
    taken, and their sum is multiplied by the steps of an epoch. Neither the products of the losses (MMD has one of
    cells x cells) nor those of the validation pass are counted.
    """
    import torch

    layers, steps, cells = _linear_layers(name.removesuffix("_products"), folder)
    shapes = [
        f"{rows} x {inputs} x {outputs}{'' if passed else ' (no input gradient)'}"
        for rows, inputs, outputs, passed in layers
    ]
    epochs = []
    for precision in ("float32", "bfloat16"):
        products = _operands(layers, getattr(torch, precision))
        gflop = sum(2 * left.shape[0] * left.shape[1] * right.shape[1] for left, right in products) / 1e9
        wall, cpu = (steps * total for total in _fastest(products))
        epochs.append(
            {
                "model": f"{name}_{precision}",
                **{"wall": wall, "cpu": cpu, "training_wall": wall, "training_cpu": cpu},
                **{"steps": steps, "cells": cells, "products": len(products), "gflop": gflop},
                "layers": "; ".join(shapes),
            }
        )
    return {"batch_size": layers[0][0], "epochs": epochs}


def _linear_layers(name: str, folder: Path) -> tuple[list[tuple], int, int]:
    """Return (cells, inputs, outputs, whether an input gradient is needed) of each linear layer in a training step.

    Also the number of steps of an epoch, and of the cells that it draws.
    """
    from torch import nn

    from outofsample.training import loop
    from outofsample.training.run import Run

    layers, sizes = [], []

    def note(layer, inputs, output):
        layers.append((*inputs[0].shape, layer.out_features, inputs[0].requires_grad))

    def one_step(loop, stopped):
        loop.network.train()
        for module in loop.network.modules():
            if isinstance(module, nn.Linear):
                module.register_forward_hook(note)
        orders = zip(loop.training, loop._orders(), strict=True)
        loop.players[0].terms([group.batch(order[: loop.budget.batch_size]) for group, order in orders])
        sizes.extend((loop.steps, loop.steps * loop.budget.batch_size * len(loop.training)))
        return []

    loop._Loop.run_epochs = one_step
    _our_model(name, 1).fit(_training_data(folder, counts=False), run=Run(device="cpu"))
    return layers, *sizes


def _operands(layers: list[tuple], dtype) -> list[tuple]:
    """Return the factors of all products of a step, stored as automatic differentiation has them."""
    import torch

    products = []
    for cells, inputs, outputs, passed in layers:
        x, weight, gradient = (
            torch.randn(shape).to(dtype) for shape in ((cells, inputs), (outputs, inputs), (cells, outputs))
        )
        products += [(x, weight.T), (gradient.T, x)]
        if passed:
            products.append((gradient, weight))
    return products


def _fastest(products: list[tuple]) -> tuple[float, float]:
    """Return the wall and CPU seconds of these products, each the fastest of several repetitions, summed."""
    import torch

    # Memory for the results is no part of a product.
    results = [left @ right for left, right in products]
    best = [[float("inf")] * len(products) for _ in ("wall", "cpu")]
    for _ in range(REPETITIONS):
        # One after the other, as in a step, so that a product does not find its factors in the cache.
        for number, (left, right) in enumerate(products):
            before = seconds()
            torch.mm(left, right, out=results[number])
            for clock, now, then in zip(best, seconds(), before, strict=True):
                clock[number] = min(clock[number], now - then)
    return tuple(map(sum, best))


def measure(name: str, folder: Path, warm_up: int, epochs: int) -> dict:
    """Measure a model, or the matrix products of one (``NAME_products``), and say under which versions."""
    import torch

    torch.set_num_threads(1)
    found = matrix_products(name, folder) if name.endswith("_products") else train(name, folder, warm_up, epochs)
    versions = [f"{package} {version(package)}" for package in PACKAGES.get(name, ())]
    return {**found, "versions": ", ".join([f"torch {torch.__version__}", *versions])}


def one_core() -> None:
    """Keep this process, with all its threads, on one core: JAX takes no number of threads."""
    # macOS has no such call.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> None:
    """Run the command line; the result is one line of JSON on standard output, all else goes to standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", help="'data', the name of a model, or NAME_products")
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
        one_core()
        measured = measure(arguments.what, arguments.folder, arguments.warm_up, arguments.epochs)
        result.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()

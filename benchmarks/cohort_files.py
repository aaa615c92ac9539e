"""The simulated files of `cohort.py` and `new_user.py`: controls in two batches, and patients in the first of them."""

from pathlib import Path

import numpy as np

CONTROLS = {"control1.fcs": "batch1", "control2.fcs": "batch2"}
COFACTOR = 5.0


def cells_of(seed: int, cells: int, channels: int, patient: bool) -> np.ndarray:
    """Return cells (cells, channels) float32 of batch 1: three populations on the scale of a mass cytometer."""
    rng = np.random.default_rng(seed)
    levels = np.random.default_rng(1).gamma(1.5, 1.2, (3, channels))
    kind = rng.choice(3, cells, p=[0.5, 0.3, 0.2] if not patient else [0.3, 0.3, 0.4])
    signal = levels[kind] + rng.normal(0, 0.45, (cells, channels))
    return (COFACTOR * np.sinh(np.maximum(signal, 0))).astype(np.float32)


def in_batch_2(X: np.ndarray) -> np.ndarray:
    """Return the same cells as batch 2 measures them: each channel has its own gain and background."""
    rng = np.random.default_rng(2)
    gain, background = rng.uniform(0.6, 1.7, X.shape[1]), rng.uniform(0, 6, X.shape[1])
    return (X * gain + background).astype(np.float32)


def write_files(folder: Path, files: int, cells: int, channels: int) -> None:
    """Write what is not there yet of the controls and of so many patients."""
    from outofsample.files.fcs import write_fcs

    # CytoNormPy takes no file without a channel of times.
    metals = [*(f"M{number:02d}Di" for number in range(channels)), "Time"]
    labels = [*(f"{100 + number}Nd_marker{number}" for number in range(channels)), ""]

    def write(path: Path, X: np.ndarray) -> None:
        time = np.arange(len(X), dtype=np.float32)[:, None]
        write_fcs(path, np.concatenate([X, time], axis=1), metals, labels)

    for number, (name, batch) in enumerate(CONTROLS.items()):
        if not (folder / name).exists():
            X = cells_of(1000 + number, cells, channels, patient=False)
            write(folder / name, in_batch_2(X) if batch == "batch2" else X)
    for number in range(files):
        path = folder / f"patient{number:04d}.fcs"
        if not path.exists():
            write(path, cells_of(number, cells, channels, patient=True))


def controls_of(number: int) -> list[str]:
    """Return the names of so many controls of an h5ad."""
    return ["control", *(f"control{further}" for further in range(2, number + 1))]


def write_h5ad(path: Path, cells: int, genes: int, controls: int, density: float = 0.05) -> None:
    """Write an h5ad of counts, in pieces: patients in one batch, so many controls in two, all with as many cells."""
    import anndata
    import h5py
    import pandas as pd
    from anndata.io import sparse_dataset
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    batches = ("batch1", "batch2")
    labels = [*((name, batch) for name in controls_of(controls) for batch in batches), ("patients", "batch1")]
    kind = np.arange(cells) % len(labels)
    columns = {name: np.array([pair[n] for pair in labels])[kind] for n, name in enumerate(("person", "day"))}
    obs = pd.DataFrame(columns, index=[f"cell{row}" for row in range(cells)]).astype("category")
    var = pd.DataFrame(index=[f"gene{number}" for number in range(genes)])
    per_cell, step = int(genes * density), 20_000

    def part(begin: int) -> csr_matrix:
        rows = min(step, cells - begin)
        chosen = np.sort(rng.integers(0, genes, (rows, per_cell)), axis=1)
        data = rng.geometric(0.4 + 0.2 * (chosen % 3 == 0), chosen.shape).astype(np.float32)
        matrix = csr_matrix((data.ravel(), chosen.ravel(), np.arange(rows + 1) * per_cell), shape=(rows, genes))
        matrix.sum_duplicates()
        return matrix

    anndata.AnnData(part(0), obs=obs.iloc[:step], var=var).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        for begin in range(step, cells, step):
            sparse_dataset(file["X"]).append(part(begin))
        del file["obs"]
        anndata.io.write_elem(file, "obs", obs)

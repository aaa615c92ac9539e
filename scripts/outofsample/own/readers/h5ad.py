"""AnnData of a user's own, as h5ad: X or a layer, labels in ``obs``."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.datasets.support import single_cell
from outofsample.datasets.support.guesses import holds_whole, looks_like_counts
from outofsample.errors import UserError, did_you_mean
from outofsample.files.h5ad_check import read_anndata
from outofsample.own.readers.support.boundary import read_after_trial
from outofsample.own.readers.support.parts import Part, called, check_renamed, choose_features, labels_of

if TYPE_CHECKING:
    from anndata import AnnData

    from outofsample.datasets.own import Settings


def read(settings: "Settings", paths: dict[str, Path]) -> list[Part]:
    """Return the cells of each file, with the genes that the settings name, or all.

    Raises
    ------
    UserError
        If a file cannot be read, or a column, a layer or a gene is missing, names repeat, or there are no cells.
    """
    parts, known = [], set()
    for entry in settings.files:
        path = paths[entry["path"]]
        part, genes = read_after_trial(path, partial(_read_one, entry, settings, path))
        parts.append(part)
        known.update(genes)
    check_renamed(settings.rename, known)
    return parts


def _read_one(entry: dict, settings: "Settings", path: Path) -> tuple[Part, list[str]]:
    """Return the cells of one file, and the names of all its genes."""
    adata = single_cell.read(path, read_anndata)
    obs = labels_of(adata.obs, entry, settings, path, "obs")
    if settings.name_column is None:
        obs.index = adata.obs_names.astype(str)
    if len(set(adata.var_names)) < adata.n_vars:
        raise UserError(f"{path}: names in var repeat; call adata.var_names_make_unique() and write it again.")
    columns = called(adata.var_names, settings, path)
    names = choose_features(list(columns), list(columns), settings, path)
    taken = [columns[name] for name in names]
    matrix = matrix_of(adata, settings, path)
    _check_counts(adata, matrix, settings, path)
    values = matrix[:, adata.var_names.get_indexer(taken)]
    return Part(entry["path"], values, tuple(names), tuple(taken), obs), list(adata.var_names)


def matrix_of(adata: "AnnData", settings: "Settings", path: Path):
    """Return the values (cells, genes) that the settings name: X, a layer, or ``.raw`` with the genes of X.

    Raises
    ------
    UserError
        If there are none, or ``.raw`` has not all genes of X.
    """
    layer = settings.layer
    if layer is None:
        if adata.X is None:
            raise UserError(f"{path}: X is empty; name the layer to read in 'layer'.")
        return adata.X
    if layer in adata.layers:
        return adata.layers[layer]
    if layer == "raw" and adata.raw is not None:
        genes = adata.raw.var_names.get_indexer(adata.var_names)
        if (genes < 0).any():
            raise UserError(f"{path}: .raw has no gene '{adata.var_names[genes < 0][0]}', which X has.")
        return adata.raw.X[:, genes]
    known = [*adata.layers, *(["raw"] if adata.raw is not None else [])]
    raise UserError(
        f"{path}: there is no layer '{layer}'{did_you_mean(layer, known)}; it has: {', '.join(known) or 'none'}."
    )


def _check_counts(adata: "AnnData", matrix, settings: "Settings", path: Path) -> None:
    """Raise `UserError` where counts are wanted that X has not, and ``.raw`` or a layer has."""
    if settings.scale != "log1p_counts" or settings.layer is not None or looks_like_counts(matrix):
        return
    others = {**dict(adata.layers), **({"raw": adata.raw.X} if adata.raw is not None else {})}
    for name, values in others.items():
        if looks_like_counts(values) or (name == "raw" and holds_whole(values) and not holds_whole(matrix)):
            place = ".raw" if name == "raw" else f"layer '{name}'"
            raise UserError(
                f"{path}: scale: log1p_counts needs counts, which X does not hold, and {place} does; set layer: {name}."
            )

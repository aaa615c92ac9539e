"""AnnData of a user's own, as h5ad: X or a layer, labels in ``obs``."""

from pathlib import Path
from typing import TYPE_CHECKING

from outofsample.datasets.support import single_cell
from outofsample.errors import UserError, did_you_mean
from outofsample.own.readers.support.parts import Part, choose_features, labels_of

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings


def read(settings: "Settings", paths: dict[str, Path]) -> list[Part]:
    """Return the cells of each file, with the genes that the settings name, or all.

    Raises
    ------
    UserError
        If a file cannot be read, or a column, a layer or a gene is missing, names repeat, or there are no cells.
    """
    import anndata

    parts = []
    for entry in settings.files:
        path = paths[entry["path"]]
        adata = single_cell.read(path, anndata.read_h5ad)
        obs = labels_of(adata.obs, entry, settings, path, "obs")
        if settings.name_column is None:
            obs.index = adata.obs_names.astype(str)
        names = choose_features(list(adata.var_names), list(adata.var_names), settings, path)
        if len(set(adata.var_names)) < adata.n_vars:
            raise UserError(f"{path}: names in var repeat; call adata.var_names_make_unique() and write it again.")
        if settings.layer is not None and settings.layer not in adata.layers:
            listed = ", ".join(adata.layers) or "none"
            raise UserError(
                f"{path}: there is no layer '{settings.layer}'{did_you_mean(settings.layer, adata.layers)}; "
                f"it has: {listed}."
            )
        columns = adata.var_names.get_indexer(names)
        matrix = adata.X if settings.layer is None else adata.layers[settings.layer]
        if matrix is None:
            raise UserError(f"{path}: X is empty; name the layer to read in 'layer'.")
        parts.append(Part(entry["path"], matrix[:, columns], tuple(names), tuple(names), obs))
    return parts

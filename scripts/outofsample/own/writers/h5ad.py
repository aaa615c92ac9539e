"""h5ad: the user's AnnData with the prediction in a layer."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from outofsample.files.h5ad_check import read_anndata
from outofsample.files.writing import replacing
from outofsample.own.predicted import Predicted
from outofsample.own.readers.h5ad import matrix_of

if TYPE_CHECKING:
    from outofsample.datasets.own import Settings

#: Name of the layer with the prediction.
LAYER = "prediction"


def write(original: Path, path: Path, predicted: Predicted, settings: "Settings") -> None:
    """Write the query's cells of an h5ad with the prediction in ``layers["prediction"]``; all else is as it was.

    The layer is on the scale of the values that were read; features that were not predicted are as they were read.
    """
    adata = read_anndata(original)[predicted.rows].copy()
    read = matrix_of(adata, settings, original)
    layer = np.array(read.toarray() if hasattr(read, "toarray") else read, dtype=np.float32)
    layer[:, adata.var_names.get_indexer(predicted.columns)] = predicted.values
    adata.layers[LAYER] = layer
    adata.uns["outofsample"] = predicted.about
    with replacing(path) as temporary:
        adata.write_h5ad(temporary, compression="lzf")

"""Neuron Editing as a scikit-learn estimator, for use from Python without Snakemake."""

import inspect
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from outofsample.arrays import Query, TrainingData
from outofsample.datasets.support.guesses import looks_like_counts
from outofsample.errors import UserError
from outofsample.files.tensors import read_tensors
from outofsample.files.writing import replacing
from outofsample.methods.families.base import chunks
from outofsample.methods.neuron_editing import Method, Settings
from outofsample.models import autoencoder
from outofsample.models.families.base import as_arrays, as_tensors
from outofsample.own.in_memory import Table, as_table, checked, column_order, in_form_of
from outofsample.training.run import Run

if TYPE_CHECKING:
    from outofsample.own.in_memory import Cells

#: What marks a saved estimator.
FORMAT = "outofsample-neuron-editor"
_QUERY = Query("query", "query", "source", "target")


class NeuronEditor(BaseEstimator):
    """Predict how cells would look after a change that was seen in other cells (Amodio et al., Neuron Editing).

    An autoencoder is trained on source S, target T and query X together; the activations of its inner layer are mapped
    from the percentiles of S to those of T (Eq. 1), and decoded.

    Parameters
    ----------
    hidden, latent
        Widths of the encoder's hidden layers (the decoder mirrors them) and of the edited layer.
    edit
        ``percentile`` (the papers'), ``mean_shift``, ``median_shift`` or ``knn_shift``; see `outofsample.edits`.
    tails
        Of ``percentile``, where a value lies outside S: ``paper``, ``shift`` or ``robust``; other edits have none.
    output
        ``decode``: the decoded edited activations; ``residual``: the cell plus what decoding says that changes.
    epochs, patience
        At most so many epochs; stop after so many without a better loss on held-out cells (None: never).
    batch_size, learning_rate
        Cells of each of S, T and X in a step; of Adam.
    standardize
        Whether features are centred and scaled inside the network.
    seed
        The same seed gives the same bits on a CPU.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Attributes
    ----------
    n_features_in_, feature_names_in_
        Number of features, and their names (features,) where they were given.
    history_
        A dictionary per epoch: losses and gradients.
    method_
        The fitted `outofsample.methods.neuron_editing.Method`.

    Notes
    -----
    Values should be on the scale that a network likes: arcsinh(x / 5) for mass cytometry, log(1 + counts per 10,000)
    for counts. Arrays are taken and returned as float32.
    """

    def __init__(
        self,
        hidden=(500, 250),
        latent=50,
        edit="percentile",
        tails="paper",
        output="decode",
        epochs=100,
        patience=10,
        batch_size=100,
        learning_rate=1e-3,
        standardize=False,
        seed=0,
        device="auto",
    ):
        self.hidden = hidden
        self.latent = latent
        self.edit = edit
        self.tails = tails
        self.output = output
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.standardize = standardize
        self.seed = seed
        self.device = device

    def fit(self, S: "Cells", T: "Cells", X: "Cells") -> "NeuronEditor":
        """Train on source ``S``, target ``T`` and query ``X`` (cells, features), and return self.

        Raises
        ------
        UserError
            If a population is empty, the features differ, a value is not a finite number, or a parameter is wrong.
        """
        method = self._build()
        tables = {word: as_table(cells, word) for word, cells in (("S", S), ("T", T), ("X", X))}
        named = next((table for table in tables.values() if table.names is not None), tables["S"])
        parts = [self._read(table, word, named) for word, table in tables.items()]
        _warn_of_counts(parts)
        sizes = [len(part) for part in parts]
        data = TrainingData(
            X=np.concatenate(parts),
            role=np.repeat(["source", "target", "query"], sizes),
            condition=np.repeat(["source", "target", "source"], sizes),
            domain=np.repeat(["given", "given", "query"], sizes),
            features=named.names or tuple(map(str, range(named.shape[1]))),
            queries=(_QUERY,),
        )
        del parts
        method.fit(data, self.seed, Run(device=self.device))
        self._take(method, named.names)
        self.history_ = method.fitted.history
        return self

    def transform(self, X: "Cells") -> "Cells":
        """Return cells (cells, features) as they would be after the change, in the form of ``X``.

        Index, columns, ``obs`` and ``var`` are kept. Works in chunks: beside the result it needs the memory of one
        chunk. The cells need not be those of `fit`.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        UserError
            If the features are not those of `fit`, or a value is not finite.
        """
        table, order = self._table_to_transform(X)
        predicted = np.empty(table.shape, np.float32)
        columns = slice(None) if order is None else order
        for rows, part in self._chunks(table, order):
            predicted[rows, columns] = self.method_.transform(part, _QUERY).X
        return in_form_of(X, predicted)

    def fit_transform(self, S: "Cells", T: "Cells", X: "Cells") -> "Cells":
        """Fit, and transform ``X``."""
        return self.fit(S, T, X).transform(X)

    def extrapolated(self, X: "Cells") -> np.ndarray:
        """Return the share (cells,) of each cell's edited units that lie outside the range of the source."""
        table, order = self._table_to_transform(X)
        share = np.empty(table.shape[0], np.float32)
        edit = self.method_.edits[_QUERY.source, _QUERY.target]
        for rows, part in self._chunks(table, order):
            share[rows] = edit.outside(self.method_.fitted.encode(part, _QUERY.source)).mean(axis=1)
        return share

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to one file: tensors, numbers and strings, no pickled code."""
        import io

        import torch

        self._check_fitted()
        names = getattr(self, "feature_names_in_", None)
        content = {
            "format": FORMAT,
            "parameters": {name: _plain(value) for name, value in self.get_params(deep=False).items()},
            "names": None if names is None else names.tolist(),
            "history": self.history_,
            "model": self.method_.fitted.as_tensors(),
            "method": as_tensors(self.method_.state()),
        }
        # Into memory first: torch's writer does not say why it fails.
        buffer = io.BytesIO()
        torch.save(content, buffer)
        with replacing(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    @classmethod
    def load(cls, path: str | Path) -> "NeuronEditor":
        """Read what `save` wrote; the network is then on the CPU.

        Raises
        ------
        UserError
            If there is no such file, or it was not written by `save`.
        """
        content = _read_saved(Path(path))
        editor = cls(**content["parameters"])
        method = editor._build()
        method.fitted.from_tensors(content["model"])
        method.load_state(as_arrays(content["method"]))
        features = len(method.fitted.centre)
        names = None if content["names"] is None else tuple(content["names"])
        method.features, method.queries = names or tuple(map(str, range(features))), (_QUERY,)
        editor._take(method, names)
        editor.history_ = content["history"]
        return editor

    def _build(self) -> Method:
        """Return the method that the parameters describe, not fitted.

        Raises
        ------
        UserError
            If a parameter is wrong.
        """
        options = {"tails": self.tails} if self.edit == "percentile" else {}
        shared = ("latent", "epochs", "patience", "batch_size", "learning_rate", "standardize")
        try:
            network = {name: getattr(self, name) for name in shared}
            model = autoencoder.Model(autoencoder.Settings(hidden=tuple(self.hidden), **network))
            return Method(Settings(edit=self.edit, edit_options=options, output=self.output), model)
        except (TypeError, ValueError) as error:
            raise UserError(f"NeuronEditor: {error}.") from error

    def _take(self, method: Method, names: tuple[str, ...] | None) -> None:
        """Keep what `fit` or `load` gave."""
        self.method_ = method
        self.n_features_in_ = len(method.features)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _read(self, table: Table, word: str, named: Table) -> np.ndarray:
        """Return all cells (cells, features) float32 of a table, with the columns in the order of ``named``."""
        values = table.rows(slice(None), column_order(table, named.names, named.shape[1], word))
        return checked(values, word, named.names, 0)

    def _check_fitted(self) -> None:
        if not hasattr(self, "method_"):
            raise NotFittedError("This NeuronEditor is not fitted yet; call fit(S, T, X) first.")

    def _table_to_transform(self, X: "Cells") -> tuple[Table, list[int] | None]:
        self._check_fitted()
        table = as_table(X, "X")
        return table, column_order(table, getattr(self, "feature_names_in_", None), self.n_features_in_, "X")

    def _chunks(self, table: Table, order: list[int] | None):
        """Yield the place (slice) and the checked values (cells, features) of consecutive pieces of a table."""
        names = getattr(self, "feature_names_in_", None)
        for places in chunks(range(table.shape[0])):
            rows = slice(places.start, places.stop)
            yield rows, checked(table.rows(rows, order), "X", names, places.start)


def _plain(value):
    """Return a parameter as what torch reads without pickled code: numpy's numbers become Python's."""
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def _warn_of_counts(parts: list[np.ndarray]) -> None:
    if all(looks_like_counts(part) for part in parts):
        warnings.warn(
            "the values look like raw counts; give log(1 + counts per 10,000 of the cell), or arcsinh(x / 5) for "
            "cytometry.",
            stacklevel=3,
        )


def _read_saved(path: Path) -> dict:
    """Return the content of a saved estimator.

    Raises
    ------
    UserError
        If there is no such file, or it is not one that `NeuronEditor.save` wrote.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not there"
        raise UserError(f"{path}: this is {what}; give a file that NeuronEditor.save wrote.")
    try:
        content = read_tensors(path)
        ours = content["format"] == FORMAT
    except UserError:
        raise
    except Exception as error:
        # What torch raises depends on what the file is; its text would advise to switch the check off.
        raise UserError(
            f"{path}: this file was not written by NeuronEditor.save, or is damaged ({type(error).__name__})."
        ) from error
    known = inspect.signature(NeuronEditor.__init__).parameters
    if not ours or not set(content.get("parameters", "?")) <= set(known):
        raise UserError(f"{path}: this file was not written by NeuronEditor.save of this version.")
    return content

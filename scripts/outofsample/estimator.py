"""Every method as a scikit-learn estimator, for use from Python without Snakemake."""

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import TransformerTags

from outofsample.arrays import TrainingData
from outofsample.datasets.support.guesses import looks_like_counts
from outofsample.errors import InputError, NotAvailable, UserError
from outofsample.files.estimator import read_estimator, write_estimator
from outofsample.methods.families.base import Method
from outofsample.methods.families.by_name import build
from outofsample.models.families.base import as_arrays, as_tensors
from outofsample.own import in_memory, populations
from outofsample.own.expected import expected_errors
from outofsample.own.parameters import MethodParameters
from outofsample.training.run import Run

if TYPE_CHECKING:
    from outofsample.own.in_memory import Cells

    Domains = str | Sequence | None

DEVICES = ("auto", "cpu", "cuda")
#: What a package is called where one installs it, if not as it is imported.
_PACKAGES = {"ot": "POT", "scvi": "scvi-tools"}


class Extrapolator(OneToOneFeatureMixin, MethodParameters):
    """Predict how cells would look after a change that was seen in other cells, by any method of the package.

    Parameters
    ----------
    method
        A name of `outofsample.methods`, or a file or module of your own (see "Add a method").
    seed
        The same seed gives the same bits on a CPU.
    device
        ``auto``, ``cpu`` or ``cuda``, for methods with a network.
    chunk_size
        Cells that `transform` holds as dense numbers at once; None: 16,384. But for rounding, results depend on it only
        where zeros are kept by a draw: cells that agree in all values are told apart by their order in the chunk.
    expect
        Whether to learn `expected_error_`, for which the method is fitted once more for each population.
    verbose
        Whether methods may print what they do.
    **settings
        Of the method, and of the model that it stands on, as the reference of methods and models has them.

    Attributes
    ----------
    n_features_in_, feature_names_in_
        Number of features, and their names (features,) where they were given.
    domains_
        The populations (domains,) among the cells of X.
    history_
        A dictionary per epoch: losses and gradients; empty where no network was trained.
    expected_error_
        By population of X the 80 % interval of its prediction's energy distance to the truth, ``low`` to ``high``; that
        of doing nothing, ``unchanged_low`` to ``unchanged_high``; ``beyond``, whether it is too far from S to rely on
        them. None where S and T share fewer than three populations, or the method is not fitted again for each.
    method_
        The fitted `outofsample.methods.families.base.Method`.

    Notes
    -----
    Values should be on the scale that methods like: arcsinh(x / 5) for mass cytometry, log(1 + counts per 10,000) for
    counts. Arrays are returned as float32. What is wrong with cells or settings is one sentence and a `ValueError`.
    """

    def __init__(
        self,
        method: str = "stacked_map",
        *,
        seed: int = 0,
        device: str = "auto",
        chunk_size: int | None = None,
        expect: bool = True,
        verbose: bool = False,
        **settings,
    ):
        self.method = method
        self.seed = seed
        self.device = device
        self.chunk_size = chunk_size
        self.expect = expect
        self.verbose = verbose
        self.settings = settings

    def fit(
        self, S: "Cells", T: "Cells", X: "Cells", domains: "Domains" = None, counts: "str | Sequence | None" = None
    ) -> "Extrapolator":
        """Fit to source ``S``, target ``T`` and query ``X`` (cells, features), and return self.

        Parameters
        ----------
        S, T, X
            Cells before the change, cells after it, and other cells before it: arrays, dense or sparse, DataFrames or
            AnnData. Columns are matched by name where there are names.
        domains
            Whose cells they are (a cell type, a patient): a column of ``obs`` (or of the DataFrames, where it is no
            feature), or labels of S, of T and of X, for each one for all its cells or one per cell. None: S and T are
            one population, X is another.
        counts
            Raw counts, for methods on counts: a layer of the AnnData, or three tables as S, T and X.

        Raises
        ------
        UserError
            If a population is empty, the features differ, a value is not a finite number, a parameter is wrong, or
            what the method needs is not installed.
        """
        method = self._build()
        data, fitted_on = populations.training_data({"S": S, "T": T, "X": X}, domains, counts)
        if all(looks_like_counts(data.X[data.role == role]) for role in np.unique(data.role)):
            warnings.warn(
                "the values look like raw counts; give log(1 + counts per 10,000 of the cell), or arcsinh(x / 5) for "
                "cytometry.",
                stacklevel=2,
            )
        self._take(method, fitted_on, self._fit(method, data))
        return self

    def transform(self, X: "Cells", domains: "Domains" = None, counts: "Cells | None" = None) -> "Cells":
        """Return cells (cells, features) as they would be after the change, in the form of ``X``.

        Index, columns, ``obs`` and ``var`` are kept; sparse arrays come back dense. Beside the result this needs
        the memory of one chunk. The cells need not be those of `fit`, but for methods that correct only these.

        Parameters
        ----------
        X
            Cells before the change.
        domains
            Where X of `fit` had several populations: the column or the labels (cells,), or one label for all. None: the
            column that `fit` was given.
        counts
            The cells' raw counts, for methods on counts. None: the layer that `fit` was given.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        UserError
            If the features are not those of `fit`, a value is not finite, a population was not part of X, or the method
            corrects only the cells of its fit and these are others.
        """
        self._check_fitted()
        predicted = np.empty(self._fitted_on.table(X).shape, np.float32)
        for places, part in self._predictions(X, domains, counts):
            predicted[places] = part.X
        return in_memory.in_form_of(X, predicted, self._fitted_on.column_in(X))

    def fit_transform(
        self, S: "Cells", T: "Cells", X: "Cells", domains: "Domains" = None, counts: "str | Sequence | None" = None
    ) -> "Cells":
        """Fit, and transform ``X``."""
        self.fit(S, T, X, domains, counts)
        labels = domains if domains is None or isinstance(domains, str) else domains[2]
        return self.transform(X, labels, None if counts is None or isinstance(counts, str) else counts[2])

    def extrapolated(self, X: "Cells", domains: "Domains" = None) -> np.ndarray:
        """Return the share (cells,) of each cell's edited units that lie outside the range of the source.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        UserError
            If the method edits no units, and as `transform` does.
        """
        self._check_fitted()
        share = np.empty(self._fitted_on.table(X).shape[0], np.float32)
        for places, part in self._predictions(X, domains, None):
            if part.outside_per_cell is None:
                raise InputError(f"{self._name}: this method edits no units, so it cannot tell which lie outside.")
            share[places] = part.outside_per_cell
        return share

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to one file: tensors, numbers and strings, no pickled code."""
        self._check_fitted()
        write_estimator(path, type(self).__name__, self._content())

    @classmethod
    def load(cls, path: str | Path, own_code: Sequence[str] = ()) -> "Extrapolator":
        """Read what `save` wrote; a network is then on the CPU.

        Parameters
        ----------
        path
            The file.
        own_code
            Files or modules of your own that the method is made of. No other code than the package's is run without
            being named here, whatever the file says.

        Raises
        ------
        UserError
            If there is no such file, it was not written by `save`, or it asks for code that ``own_code`` does not name.
        """
        content = read_estimator(path, cls.__name__, own_code)
        try:
            return cls._from_content(content)
        except (TypeError, KeyError, ValueError, RuntimeError) as error:
            raise UserError(
                f"{path}: this file does not fit this version of {cls.__name__} ({type(error).__name__}: {error})."
            ) from error

    @property
    def _name(self) -> str:
        return str(self.method)

    def _build(self) -> Method:
        """Return the method that the parameters describe, not fitted.

        Raises
        ------
        UserError
            If there is no such method, or a parameter is wrong.
        """
        if self.chunk_size is not None and not (isinstance(self.chunk_size, int | np.integer) and self.chunk_size >= 1):
            raise InputError(f"chunk_size must be a whole number from 1 on, or None, not {self.chunk_size!r}.")
        return build(self._name, self.settings)

    def _fit(self, method: Method, data: TrainingData) -> dict | None:
        """Fit a method, and return what to expect of it; what it prints is left out unless ``verbose`` asks for it."""
        if not (isinstance(self.seed, int | np.integer) and self.seed >= 0):
            raise InputError(f"{type(self).__name__}: seed must be a whole number from 0 on, not {self.seed!r}.")
        if str(self.device).partition(":")[0] not in DEVICES:
            raise InputError(f"{type(self).__name__}: device must be {', '.join(DEVICES)}, not {self.device!r}.")
        verbose = bool(self.verbose)
        try:
            with contextlib.nullcontext() if verbose else contextlib.redirect_stdout(io.StringIO()):
                method.fit(data, int(self.seed), Run(device=self.device, progress=verbose))
                return expected_errors(method, data, int(self.seed)) if self.expect else None
        except ModuleNotFoundError as error:
            module = str(error.name).partition(".")[0]
            package = _PACKAGES.get(module, module)
            raise NotAvailable(f"{self._name} needs the package '{package}'", f"pip install {package}") from error

    def _take(self, method: Method, fitted_on: populations.FittedOn, expected: dict | None) -> None:
        """Keep what `fit` or `load` gave."""
        method.forget_folds()
        self.method_, self._fitted_on, self.expected_error_ = method, fitted_on, expected
        self.n_features_in_ = fitted_on.features
        self.domains_ = np.array(fitted_on.domains, dtype=object)
        self.history_ = [] if method.fitted is None else method.fitted.history
        if fitted_on.names is not None:
            self.feature_names_in_ = np.array(fitted_on.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags(preserves_dtype=["float32"])
        tags.input_tags.sparse = True
        return tags

    def _check_fitted(self) -> None:
        if not hasattr(self, "method_"):
            raise NotFittedError(f"This {type(self).__name__} is not fitted yet; call fit(S, T, X) first.")

    def _predictions(self, X: "Cells", domains: "Domains", counts: "Cells | None") -> Iterator[tuple]:
        """Yield (places, prediction) for all cells, with the columns in their own order."""
        order = self._fitted_on.order(self._fitted_on.table(X))
        # Noise is drawn by the cells of a call, all of them.
        noisy = getattr(self.method_.settings, "prediction", "mean") == "sample"
        whole, at_once = self.method_.transductive or noisy, self.chunk_size
        for piece in self._fitted_on.pieces(X, domains, counts, whole, at_once):
            part = self.method_.transform(piece.X, piece.query, piece.counts)
            yield piece.places, part if order is None else replace(part, X=part.X[:, np.argsort(order)])

    def _content(self) -> dict:
        """Return what a file holds of the fitted estimator."""
        model, fitted_on = self.method_.fitted, asdict(self._fitted_on)
        return {
            "parameters": self.get_params(deep=False),
            "names": None if fitted_on["names"] is None else list(fitted_on.pop("names")),
            "history": self.history_,
            "model": None if model is None else model.as_tensors(),
            "method": as_tensors(self.method_.state()),
            **fitted_on,
            "domains": self.domains_.tolist(),
            "expected_error": self.expected_error_,
        }

    @classmethod
    def _from_content(cls, content: dict) -> "Extrapolator":
        """Return the fitted estimator of which a file holds this."""
        estimator, names = cls(**content["parameters"]), content["names"]
        places = {name: content[name] for name in ("features", "column", "layer")}
        fitted_on = populations.FittedOn(
            **places, names=None if names is None else tuple(names), domains=tuple(content["domains"])
        )
        state = {
            "features": names or map(str, range(fitted_on.features)),
            "image_shape": None,
            "queries": [[q.name, q.domain, q.source, q.target] for q in populations.queries(fitted_on.domains)],
            "model": as_arrays(content["model"]),
            "method": as_arrays(content["method"]),
        }
        estimator._take(estimator._build().take_whole_state(state), fitted_on, content["expected_error"])
        estimator.history_ = content["history"]
        return estimator


class NeuronEditor(Extrapolator):
    """Neuron Editing (Amodio et al.): `Extrapolator` with this method, and its settings as parameters.

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

    Notes
    -----
    Fitted attributes, forms of cells and scales are those of `Extrapolator`.
    """

    _name = "NeuronEditor"
    chunk_size, expect, verbose = None, False, False  # no parameters of this one

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

    get_params, set_params, __repr__ = BaseEstimator.get_params, BaseEstimator.set_params, BaseEstimator.__repr__

    def _build(self) -> Method:
        names = ("latent", "edit", "output", "epochs", "patience", "batch_size", "learning_rate", "standardize")
        settings = {name: getattr(self, name) for name in names}
        options = {"tails": self.tails} if self.edit == "percentile" else {}
        try:
            hidden = tuple(self.hidden)
        except TypeError as error:
            raise InputError(f"NeuronEditor: hidden must list widths, not {self.hidden!r}.") from error
        return build("neuron_editing", {**settings, "hidden": hidden, "edit_options": options})

    def _content(self) -> dict:
        # Files stay what they were before there was an Extrapolator.
        content = super()._content()
        return {name: content[name] for name in ("parameters", "names", "history", "model", "method")}

    @classmethod
    def _from_content(cls, content: dict) -> "NeuronEditor":
        same = {"domains": [populations.WITHOUT_DOMAINS["X"]], **dict.fromkeys(("column", "layer", "expected_error"))}
        return super()._from_content({**content, **same, "features": len(content["model"]["centre"])})

"""Which features respond to the change, and whether a prediction gets their direction and size.

The features are chosen *with the truth*: they exist for the evaluation alone, and no method may ever see them.
"""

from dataclasses import dataclass

import numpy as np

from outofsample.metrics.distances import rmse
from outofsample.metrics.summaries import Summary

#: More features than this are treated as genes: a test ranks them, and most do not respond.
MANY_FEATURES = 200
#: Most raised and most lowered genes that count as responding: trVAE's 'top 100 DEGs'.
TOP_RAISED = TOP_LOWERED = 50
#: First genes of the ranking in the notebook of trVAE's Fig. 6e.
NOTEBOOK_GENES = 1000


@dataclass(frozen=True)
class ResponseFeatures:
    """Features that respond in the query's domain, as positions; chosen with the truth.

    Attributes
    ----------
    top
        Array (k,) of the responding features. With more than `MANY_FEATURES` features: the 50 most raised and the 50
        most lowered by a t-test of Y against X. With fewer: the half whose mean changes most from X to Y.
    is_specific
        Mask (k,) of those that respond otherwise elsewhere: |change - change elsewhere| > |change| / 2, where the
        change is mean Y - mean X and the change elsewhere mean T - mean S. The others are shared.
    notebook
        Array of the `NOTEBOOK_GENES` first genes of the ranking (all where there are fewer), from the most raised on;
        None with at most `MANY_FEATURES` features.
    """

    top: np.ndarray
    is_specific: np.ndarray
    notebook: np.ndarray | None = None

    @property
    def are_genes(self) -> bool:
        """Whether there are enough features for the scores on top genes."""
        return self.notebook is not None

    @property
    def specific(self) -> np.ndarray:
        """Positions of the specific features."""
        return self.top[self.is_specific]

    @property
    def shared(self) -> np.ndarray:
        """Positions of the shared features."""
        return self.top[~self.is_specific]


def response_features(S: np.ndarray, T: np.ndarray, X: np.ndarray, Y: np.ndarray) -> ResponseFeatures:
    """Return the features that respond; the arguments are populations (cells, features)."""
    means = [population.mean(axis=0, dtype=np.float64) for population in (S, T, X, Y)]
    elsewhere, change = means[1] - means[0], means[3] - means[2]
    notebook = None
    if X.shape[1] > MANY_FEATURES:
        ranked = ranked_features(X, Y)
        top, notebook = np.concatenate([ranked[:TOP_RAISED], ranked[-TOP_LOWERED:]]), ranked[:NOTEBOOK_GENES]
    else:
        top = np.argsort(-np.abs(change), kind="stable")[: (len(change) + 1) // 2]
    # A feature whose mean does not change at all has no direction to predict.
    top = top[change[top] != 0]
    is_specific = np.abs(change[top] - elsewhere[top]) > np.abs(change[top]) / 2
    return ResponseFeatures(top, is_specific, notebook)


def ranked_features(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return the positions of all features from most raised to most lowered in Y (m, features) against X (n, features).

    By Welch's t, as ``scanpy.tl.rank_genes_groups`` with ``method="t-test"`` ranks them; with fewer than two cells
    in X or in Y there is no t, and the difference of means decides.
    """
    if min(len(X), len(Y)) < 2:
        return np.argsort(X.mean(axis=0, dtype=np.float64) - Y.mean(axis=0, dtype=np.float64), kind="stable")
    import warnings

    import anndata
    import pandas as pd
    import scanpy

    condition = pd.Categorical(np.repeat(["before", "after"], [len(X), len(Y)]))
    names = np.arange(X.shape[1]).astype(str)
    adata = anndata.AnnData(
        np.concatenate([X, Y]),
        obs=pd.DataFrame({"condition": condition}, index=np.arange(len(condition)).astype(str)),
        var=pd.DataFrame(index=names),
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # It also computes fold changes, for which the data would have to be logarithms; they are not used.
        warnings.simplefilter("ignore")
        scanpy.tl.rank_genes_groups(adata, "condition", groups=["after"], reference="before", method="t-test")
    return adata.uns["rank_genes_groups"]["names"]["after"].astype(int)


def top_sign(query: np.ndarray, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share of features whose predicted change has the sign of the true one; means (..., features), result (...).

    No predicted change has no sign, and is wrong. NaN without features.
    """
    right = np.sign(predicted - query) == np.sign(truth - query)
    return right.mean(-1) if right.shape[-1] else np.full(right.shape[:-1], np.nan)


def rmse_or_nan(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """`rmse` of summaries (..., features), NaN without features."""
    return rmse(predicted, truth) if predicted.shape[-1] else np.full(predicted.shape[:-1], np.nan)


def response_scores(
    S: Summary, T: Summary, X: Summary, predicted: Summary, Y: Summary, features: ResponseFeatures
) -> dict[str, np.ndarray]:
    """Return the scores of means on responding features; summaries have arrays (..., features), scores (...).

    ``specific_gain`` is 1 - rmse_specific / rmse_specific of the mean shift in data space (X + mean T - mean S, the
    response of the others): 1 is perfect, 0 no better than that shift, negative worse. It stands beside the 65 % by
    which trVAE's journal abstract says that cell-type-specific genes are predicted better; how that was computed is
    not published.
    """
    top, specific, shared = features.top, features.specific, features.shared
    scores = {
        "top_sign": top_sign(X.means[..., top], predicted.means[..., top], Y.means[..., top]),
        "rmse_specific": rmse_or_nan(predicted.means[..., specific], Y.means[..., specific]),
        "rmse_shared": rmse_or_nan(predicted.means[..., shared], Y.means[..., shared]),
    }
    shifted = X.means[..., specific] + T.means[..., specific] - S.means[..., specific]
    reference = rmse_or_nan(shifted, Y.means[..., specific])
    gain = 1 - scores["rmse_specific"] / np.where(reference > 0, reference, 1)
    return scores | {"specific_gain": np.where(reference > 0, gain, np.nan)}

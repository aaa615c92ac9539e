"""Which values of each score are good ones: the one place that says so, for tables, figures, ranks and pages."""

from outofsample.errors import UserError, did_you_mean

#: Keys of values (numbers, arrays, series) by direction: the key is smallest for the best.
DISTANCE_TO_BEST = {"high": lambda value: -value, "low": lambda value: value, "one": lambda value: abs(value - 1)}
#: How the key goes with the value, by direction: by -1 or 1 of its change.
SLOPES = {"high": lambda value: -1, "low": lambda value: 1, "one": lambda value: 1 if value > 1 else -1}
#: What a perfect prediction scores, by direction: scores of which more is better all end at 1.
PERFECT = {"high": 1, "low": 0, "one": 1}
#: ``high``, ``low`` or ``one`` (nearest to 1) of each score (`outofsample.metrics.evaluation.SCORES`).
DIRECTIONS = {
    "spike_in_r": "high",
    "change_r": "high",
    "change_of_means_r": "high",
    "rmse_medians": "low",
    "means_r": "high",
    "variances_r": "high",
    "variance_ratio": "one",
    "sd_ratio": "one",
    "means_r2": "high",
    "variances_r2": "high",
    "rmse_means": "low",
    "means_r2_top100": "high",
    "variances_r2_top100": "high",
    "top_sign": "high",
    "rmse_specific": "low",
    "rmse_shared": "low",
    "specific_gain": "high",
    "energy_distance": "low",
    "wasserstein": "low",
    "mmd": "low",
    "means_r2_subsamples": "high",
    "variances_r2_subsamples": "high",
    "means_r2_notebook": "high",
    "variances_r2_notebook": "high",
    "pr_auc": "high",
    "precision_at_N": "high",
    "precision_at_100": "high",
    "overlap_at_N": "high",
    "de_direction_match": "high",
    "de_spearman_lfc_sig": "high",
    "specific_found": "high",
    "beyond_values": "low",
    "beyond_features": "low",
    "beyond_cells": "low",
    "fid": "low",
    "kid": "low",
    "frechet_cnn": "low",
    "kid_cnn": "low",
    "image_rmse": "low",
    "ssim": "high",
    "rmse_changed": "low",
    "rmse_kept": "low",
    "thickness_error": "low",
    "thickness_ratio": "one",
    "condition_mixing": "one",
    "expected_error": "low",
}


def direction_of(score: str) -> str:
    """Return ``high``, ``low`` or ``one`` (nearest to 1).

    Raises
    ------
    UserError
        If no score has this name.
    """
    if score not in DIRECTIONS:
        nearest = did_you_mean(score, DIRECTIONS)
        raise UserError(f"'{score}': it is not known which values of this score are good ones{nearest}.")
    return DIRECTIONS[score]


def distance_to_best(score: str, value):
    """Return a key of a score's value (a number, an array or a series) that is smallest for the best.

    Raises
    ------
    UserError
        If no score has this name.
    """
    return DISTANCE_TO_BEST[direction_of(score)](value)


def slope_of_distance(score: str, value: float) -> int:
    """Return -1 where `distance_to_best` of a score falls as the value rises, 1 where it rises with it.

    Raises
    ------
    UserError
        If no score has this name.
    """
    return SLOPES[direction_of(score)](value)

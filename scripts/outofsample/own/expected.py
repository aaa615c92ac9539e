"""What can be expected of the predictions of an estimator: an interval for each population of the query."""

from typing import Any

from outofsample.arrays import HeldOut, TrainingData
from outofsample.methods.families.base import Method
from outofsample.methods.families.held_out import hold_out_domains
from outofsample.metrics.expected import error_interval


def expected_errors(method: Method, data: TrainingData, seed: int) -> dict[str, dict[str, Any]] | None:
    """Return, by population of X, where the energy distance of its prediction to its truth is expected.

    ``low`` and ``high`` bound it, ``unchanged_low`` and ``unchanged_high`` that of doing nothing
    (`outofsample.metrics.expected.error_interval`), and ``beyond`` says whether the population is farther from S than
    any that was held out is from the others, so that the intervals may not hold for it.

    None where nothing can be held out; a line on standard output says why.
    """
    found = hold_out_domains(method, data, seed)
    reasons = {held_out.why_not for held_out in found.values()} - {""}
    for why in reasons:
        print(f"no expected error: {why}", flush=True)
    if reasons:
        return None
    return {name: _intervals(held_out) for name, held_out in found.items()}


def _intervals(held_out: HeldOut) -> dict[str, Any]:
    error, unchanged = (error_interval(errors, held_out) for errors in (held_out.errors, held_out.unchanged))
    return {
        "low": error.low,
        "high": error.high,
        "unchanged_low": unchanged.low,
        "unchanged_high": unchanged.high,
        "beyond": held_out.is_beyond,
    }

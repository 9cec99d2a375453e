"""How large the errors are: RMSE, MAE, MAPE, SEM, MDC95, share within a tolerance."""

from dataclasses import replace

import numpy as np

from tapscope.agreement.estimate import NAN, NO_INTERVAL, Estimate
from tapscope.agreement.intervals import effective_count, mean_interval, wilson_interval
from tapscope.agreement.limits_of_agreement import LIMIT_SDS
from tapscope.agreement.pairs import MINIMUM_PAIRS, ROUNDING, Pairs, is_constant
from tapscope.records import FloatArray


def error_magnitudes(pairs: Pairs, confidence_level: float = 0.95) -> list[Estimate]:
    """Compute root mean square, mean absolute and mean absolute percentage error.

    Parameters
    ----------
    pairs
        Both sides in the same unit.
    confidence_level
        Of the intervals: Student's, of the mean of the squares, absolutes or percentages.

    Returns
    -------
    list of Estimate
        rmse, mae, mape_pct (of the sensor's absolute value; pairs with a sensor value of 0 are
        left out, and the method says how many). NaN with fewer than three pairs.
    """
    nonzero = np.abs(pairs.sensor) > ROUNDING * pairs.magnitude
    percent = 100 * np.abs(pairs.difference[nonzero] / pairs.sensor[nonzero])
    omitted = int(np.count_nonzero(~nonzero))
    note = f", {omitted} pairs with sensor 0 left out" if omitted else ""
    squares, absolute = pairs.difference**2, np.abs(pairs.difference)
    squared = _mean_estimate(
        pairs, "rmse", squares, confidence_level, "root mean square; root of the t interval"
    )
    return [
        replace(
            squared,
            value=float(np.sqrt(squared.value)),
            low=float(np.sqrt(squared.low)),
            high=float(np.sqrt(squared.high)),
        ),
        _mean_estimate(pairs, "mae", absolute, confidence_level, "mean absolute; t interval"),
        _mean_estimate(
            pairs, "mape_pct", percent, confidence_level,
            f"mean absolute, % of the sensor's value{note}; t interval",
        ),
    ]  # fmt: skip


def _mean_estimate(
    pairs: Pairs, name: str, values: FloatArray, confidence_level: float, method: str
) -> Estimate:
    if values.size < MINIMUM_PAIRS:
        value, (low, high) = NAN, NO_INTERVAL
        method += "; undefined: fewer than 3 pairs"
    elif is_constant(values):
        value, (low, high) = float(values.mean()), NO_INTERVAL
        method += "; interval undefined: the differences do not vary"
    else:
        value = float(values.mean())
        low, high = mean_interval(values, confidence_level)
        low = max(0.0, low)
    return Estimate(
        name, value, low, high, confidence_level, method, values.size, n_dropped=pairs.n_dropped
    )


_SEM_METHODS = {
    "sem": "SD of the differences / sqrt(2), consistency (Weir 2005)",
    "mdc95": "1.96 SD of the differences, = 1.96 sqrt(2) SEM (Weir 2005)",
}


def measurement_error(sd_difference: Estimate) -> list[Estimate]:
    """Return standard error of measurement and minimal detectable change with their intervals.

    sem = SD of the differences / sqrt(2), the root of the error mean square of the two-way
    analysis of variance (what SD sqrt(1 - ICC(C,1)) estimates); mdc95 = 1.96 sqrt(2) sem. Both
    share the spread equally between video and sensor and leave out a constant bias.

    Parameters
    ----------
    sd_difference
        SD of the differences, in the feature's unit.

    References
    ----------
    Weir 2005, doi:10.1519/15184.1.
    """
    scales = {"sem": 1 / float(np.sqrt(2)), "mdc95": LIMIT_SDS}
    return [
        Estimate(
            name, scale * sd_difference.value, scale * sd_difference.low,
            scale * sd_difference.high, sd_difference.confidence_level,
            f"{_SEM_METHODS[name]}; {sd_difference.method}", sd_difference.n,
            n_dropped=sd_difference.n_dropped,
        )
        for name, scale in scales.items()
    ]  # fmt: skip


def share_within(pairs: Pairs, tolerance: float, confidence_level: float = 0.95) -> Estimate:
    """Compute the share of pairs whose difference is within a tolerance, ends included.

    Parameters
    ----------
    pairs
        Both sides in the same unit. Several pairs of one participant widen the interval.
    tolerance
        Largest absolute difference, above 0, in the unit of the values.
    confidence_level
        Of Wilson's interval.

    Returns
    -------
    Estimate
        share_within_TOLERANCE, 0 to 1. NaN without pairs.
    """
    name = f"share_within_{tolerance:g}"
    method = f"share with |video - sensor| <= {tolerance:g}; Wilson interval"
    if not len(pairs):
        return pairs.undefined(name, confidence_level, method, "no pairs")
    # A difference of 0.1 between decimal numbers is often 0.1000000001 in binary.
    within = np.abs(pairs.difference) <= tolerance + 1e-9 * max(tolerance, pairs.magnitude)
    totals = np.bincount(pairs.participant).astype(np.float64)
    hits = np.bincount(pairs.participant[within], minlength=totals.size).astype(np.float64)
    n = effective_count(hits, totals)
    if len(pairs) > totals.size:
        method += f", design effect {len(pairs) / n:.3g} for participants (Rao & Scott 1992)"
    share = float(within.mean())
    interval = wilson_interval(share, n, confidence_level)
    return pairs.estimate(name, share, interval, confidence_level, method)

"""How large the differences are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from tapscope.agreement.estimate import (
    MINIMUM_PAIRS,
    NAN,
    NO_INTERVAL,
    ROUNDING,
    Estimate,
    Pairs,
    check_level,
    check_positive,
    effective_count,
    is_constant,
    mean_interval,
    sd_interval,
    wilson_interval,
)
from tapscope.agreement.limits_of_agreement import LIMIT_SDS
from tapscope.records import FloatArray


def error_sizes(
    video: ArrayLike, sensor: ArrayLike, confidence_level: float = 0.95
) -> list[Estimate]:
    """Compute root mean square, mean absolute and mean absolute percentage error.

    Parameters
    ----------
    video, sensor
        Shape (pairs,), the same unit; pairs with NaN are dropped and counted.
    confidence_level
        Of the intervals: Student's, of the mean of the squares, absolutes or percentages.

    Returns
    -------
    list of Estimate
        rmse, mae, mape_pct (of the sensor's absolute value; pairs with a sensor value of 0 have
        no percentage and are left out, as its method says). NaN with fewer than three pairs.

    Raises
    ------
    ComparisonError
        If the lists differ in length.
    """
    check_level(confidence_level)
    pairs = Pairs.of(video, sensor)
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


def measurement_error(
    video: ArrayLike, sensor: ArrayLike, confidence_level: float = 0.95
) -> list[Estimate]:
    """Compute the standard error of measurement and the minimal detectable change.

    sem = SD of the differences / sqrt(2), the root of the error mean square of the two-way
    analysis of variance (what SD sqrt(1 - ICC(C,1)) estimates); mdc95 = 1.96 sqrt(2) sem. Both
    spread over the two methods equally; a constant bias is not part of them.

    Parameters
    ----------
    video, sensor
        Shape (pairs,), the same unit; pairs with NaN are dropped and counted.
    confidence_level
        Of the intervals (chi-square).

    Returns
    -------
    list of Estimate
        sem, mdc95. NaN with fewer than three pairs; intervals NaN where differences do not vary.

    Raises
    ------
    ComparisonError
        If the lists differ in length.

    References
    ----------
    Weir 2005, doi:10.1519/15184.1.
    """
    check_level(confidence_level)
    pairs = Pairs.of(video, sensor)
    if len(pairs) < MINIMUM_PAIRS:
        return [
            pairs.undefined(name, confidence_level, method, "fewer than 3 pairs")
            for name, method in _SEM_METHODS.items()
        ]
    sd = float(pairs.difference.std(ddof=1))
    interval = sd_interval(sd, len(pairs) - 1, confidence_level)
    source = pairs.estimate("sd", sd, interval, confidence_level, "chi-square interval")
    if is_constant(pairs.difference, pairs.magnitude):
        note = "interval undefined: the differences do not vary"
        source = pairs.estimate("sd", sd, NO_INTERVAL, confidence_level, note)
    return measurement_error_from_sd(source)


_SEM_METHODS = {
    "sem": "SD of the differences / sqrt(2), consistency (Weir 2005)",
    "mdc95": "1.96 SD of the differences, = 1.96 sqrt(2) SEM (Weir 2005)",
}


def measurement_error_from_sd(sd_difference: Estimate) -> list[Estimate]:
    """Turn the SD of the differences, with its interval, into SEM and MDC95."""
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


def share_within(
    video: ArrayLike,
    sensor: ArrayLike,
    tolerance: float,
    participant_ids: Sequence[str] | None = None,
    confidence_level: float = 0.95,
) -> Estimate:
    """Compute the share of pairs whose difference is within a tolerance, ends included.

    Parameters
    ----------
    video, sensor
        Shape (pairs,), the same unit; pairs with NaN are dropped and counted.
    tolerance
        Largest absolute difference, in the unit of the values.
    participant_ids
        Who gave each pair; with several trials a participant the interval allows for it.
    confidence_level
        Of Wilson's interval.

    Returns
    -------
    Estimate
        share_within_TOLERANCE, 0 to 1. NaN without pairs.

    Raises
    ------
    ComparisonError
        If the lists differ in length or the tolerance is not positive.
    """
    check_level(confidence_level)
    check_positive(tolerance, "tolerance")
    return share_of_pairs(Pairs.of(video, sensor, participant_ids), tolerance, confidence_level)


def share_of_pairs(pairs: Pairs, tolerance: float, confidence_level: float) -> Estimate:
    """Compute what `share_within` returns from pairs already made."""
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

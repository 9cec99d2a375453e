"""Regression with error in both methods: Deming and Passing-Bablok."""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from tapscope.agreement.estimate import NAN, NO_INTERVAL, Estimate, check_positive
from tapscope.agreement.intervals import normal_quantile, t_quantile
from tapscope.agreement.jackknife import jackknife_error
from tapscope.agreement.pairs import ROUNDING, Pairs, why_no_correlation
from tapscope.records import FloatArray


def deming(
    pairs: Pairs, confidence_level: float = 0.95, *, error_variance_ratio: float = 1.0
) -> list[Estimate]:
    """Fit video = intercept + slope x sensor after Deming, with jackknife intervals.

    Parameters
    ----------
    pairs
        Any units.
    confidence_level
        Of the intervals, Student's t with n - 2 degrees of freedom times the jackknife error.
    error_variance_ratio
        Variance of the video's error over the variance of the sensor's error (1: orthogonal).

    Returns
    -------
    list of Estimate
        deming_slope, deming_intercept. NaN with fewer than three pairs, a constant side or no
        covariance; intervals NaN where leaving one pair out leaves no line.

    Raises
    ------
    ComparisonError
        If the ratio is not positive.

    References
    ----------
    Linnet 1993, doi:10.1093/clinchem/39.3.424.
    """
    check_positive(error_variance_ratio, "error variance ratio")
    ratio = f"variance ratio video/sensor {error_variance_ratio:g}"
    method = f"Deming of video on sensor, {ratio}; jackknife interval, Student's t (Linnet 1993)"
    methods = dict.fromkeys(("deming_slope", "deming_intercept"), method)
    reason = why_no_correlation(pairs)
    if reason:
        return pairs.all_undefined(methods, confidence_level, reason)
    line = _deming_lines(pairs.sensor[None], pairs.video[None], error_variance_ratio)[0]
    if not np.isfinite(line).all():
        return pairs.all_undefined(methods, confidence_level, "the methods do not covary")
    errors = _deming_errors(pairs, line, error_variance_ratio)
    half = t_quantile(confidence_level, len(pairs) - 2) * errors
    if not np.isfinite(half).all():
        method += "; interval undefined: without one pair there is no line"
    return [
        pairs.estimate(name, value, (value - margin, value + margin), confidence_level, method)
        for name, value, margin in zip(methods, line.tolist(), half.tolist(), strict=True)
    ]


def _deming_lines(x: FloatArray, y: FloatArray, ratio: float) -> FloatArray:
    """Return slope and intercept of each row of points, (rows, 2); NaN where they do not covary."""
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    centred_x, centred_y = x - mean_x[:, None], y - mean_y[:, None]
    sxx, syy = np.sum(centred_x**2, axis=1), np.sum(centred_y**2, axis=1)
    sxy = np.sum(centred_x * centred_y, axis=1)
    varies = (np.ptp(x, axis=1) > ROUNDING * np.abs(x).max(axis=1)) & (
        np.ptp(y, axis=1) > ROUNDING * np.abs(y).max(axis=1)
    )
    sxy[~varies | (np.abs(sxy) <= ROUNDING * np.sqrt(sxx * syy))] = NAN
    excess = syy - ratio * sxx
    root = np.hypot(excess, 2 * np.sqrt(ratio) * sxy)
    # Two forms of the same root: each cancels where the other does not.
    rising = excess >= 0
    slope = np.where(rising, excess + root, 2 * ratio * sxy) / np.where(
        rising, 2 * sxy, root - excess
    )
    return np.column_stack((slope, mean_y - slope * mean_x))


def _deming_errors(pairs: Pairs, line: FloatArray, ratio: float) -> FloatArray:
    """Return the jackknife standard errors of slope and intercept."""
    n = len(pairs)
    others = np.nonzero(~np.eye(n, dtype=bool))[1].reshape(n, n - 1)
    lines = _deming_lines(pairs.sensor[others], pairs.video[others], ratio)
    return np.array([jackknife_error(line[place], lines[:, place]) for place in range(2)])


@dataclass(frozen=True, slots=True)
class _ShiftedMedian:
    """Passing and Bablok's slope with its interval."""

    slope: float
    low: float
    high: float


_NO_MEDIAN = _ShiftedMedian(NAN, NAN, NAN)


def passing_bablok(pairs: Pairs, confidence_level: float = 0.95) -> list[Estimate]:
    """Fit video = intercept + slope x sensor after Passing and Bablok, and test its linearity.

    The slope is the median of all slopes between two points, shifted by the number of slopes
    under -1; equal points and slopes of exactly -1 are left out. Memory grows with the square of
    the number of pairs.

    Parameters
    ----------
    pairs
        Any units; ties are allowed.
    confidence_level
        Of the intervals (normal approximation of the ranks).

    Returns
    -------
    list of Estimate
        passing_bablok_slope, passing_bablok_intercept, passing_bablok_linearity (largest cusum
        over sqrt(points below the line + 1), with its Kolmogorov p). NaN with fewer than three
        pairs, with a constant side, or without positive association (Kendall's tau), which the
        method requires; intervals NaN with too few slopes, the intercept's also where sensor
        values lie on both sides of 0.

    References
    ----------
    Passing & Bablok 1983, doi:10.1515/cclm.1983.21.11.709.
    """
    form = "Passing-Bablok of video on sensor (1983), shifted median"
    methods = {
        "passing_bablok_slope": f"{form}; rank interval",
        "passing_bablok_intercept": f"{form}; intercept at the ends of the slope's interval",
        "passing_bablok_linearity": f"{form}; cusum over sqrt(points below + 1), Kolmogorov p",
    }
    reason = why_no_correlation(pairs)
    if not reason and not float(stats.kendalltau(pairs.sensor, pairs.video).statistic) > 0:
        reason = "no positive association"
    median = _NO_MEDIAN if reason else _shifted_median(pairs, confidence_level)
    if not reason and not np.isfinite(median.slope):
        reason = "the median slope is vertical"
    if reason:
        return pairs.all_undefined(methods, confidence_level, reason)
    return _passing_bablok_estimates(pairs, median, methods, confidence_level)


def _passing_bablok_estimates(
    pairs: Pairs, median: _ShiftedMedian, methods: dict[str, str], confidence_level: float
) -> list[Estimate]:
    slope_method, intercept_method, linearity_method = methods.values()
    if np.isnan(median.low):
        slope_method += "; interval undefined: too few pairs"
        intercept_method += "; interval undefined: too few pairs"
    intercepts = [
        float(np.median(pairs.video - slope * pairs.sensor))
        for slope in (median.slope, median.low, median.high)
    ]
    low, high = sorted(intercepts[1:])
    if pairs.sensor.min() < 0 < pairs.sensor.max():
        # Near 0 the intercept hardly depends on the slope: this interval would be far too narrow.
        low, high = NO_INTERVAL
        intercept_method += "; interval undefined: sensor values on both sides of 0"
    statistic = _cusum(pairs, median.slope, intercepts[0])
    p_value = float(special.kolmogorov(statistic))
    level = confidence_level
    return [
        pairs.estimate(
            "passing_bablok_slope", median.slope, (median.low, median.high), level, slope_method
        ),
        pairs.estimate(
            "passing_bablok_intercept", intercepts[0], (low, high), level, intercept_method
        ),
        pairs.estimate(
            "passing_bablok_linearity",
            statistic,
            NO_INTERVAL,
            level,
            linearity_method,
            p_value=p_value,
        ),
    ]


def _pair_slopes(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the slopes between pairs of points, sorted, without those to leave out."""
    first, second = np.triu_indices(x.size, 1)
    run, rise = x[second] - x[first], y[second] - y[first]
    # Equal points have no slope. Without slopes of exactly -1, exchanging x and y inverts the line.
    against = np.isclose(rise, -run, rtol=1e-12, atol=0.0)
    counted = ~against
    run, rise = run[counted], rise[counted]
    vertical = run == 0
    slopes = np.full(run.size, np.inf)
    # A vertical pair is +inf whichever point comes first: as -inf it would lengthen the list
    # below and the shift by one each, and leave the shifted median where it is.
    np.divide(rise, run, out=slopes, where=~vertical)
    return np.sort(slopes)


def _shifted_median(pairs: Pairs, confidence_level: float) -> _ShiftedMedian:
    slopes = _pair_slopes(pairs.sensor, pairs.video)
    n, count = len(pairs), slopes.size
    shift = int(np.count_nonzero(slopes < -1))
    middle = slopes[[(count - 1) // 2 + shift, count // 2 + shift]]
    spread = normal_quantile(confidence_level) * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    first = round(float(count - spread) / 2)
    last = count - first + 1
    low, high = first + shift - 1, last + shift - 1
    if first < 1 or high >= count or not np.isfinite(slopes[[low, high]]).all():
        return _ShiftedMedian(float(middle.mean()), NAN, NAN)
    return _ShiftedMedian(float(middle.mean()), float(slopes[low]), float(slopes[high]))


def _cusum(pairs: Pairs, slope: float, intercept: float) -> float:
    """Return the largest cumulative sum of signed scores along the line, scaled."""
    x, y = pairs.sensor, pairs.video
    residual = y - intercept - slope * x
    # Points that are off the line only by rounding score 0.
    residual[np.abs(residual) <= ROUNDING * max(1.0, slope) * pairs.magnitude] = 0.0
    above, below = np.count_nonzero(residual > 0), np.count_nonzero(residual < 0)
    if above == 0 or below == 0:
        return 0.0
    score = np.select(
        [residual > 0, residual < 0], [np.sqrt(below / above), -np.sqrt(above / below)], 0.0
    )
    # Order of the feet of the perpendiculars: y + x/slope times slope, so that 0 is allowed.
    along = slope * (y - intercept) + x
    path = np.cumsum(score[np.argsort(along, kind="stable")])
    return float(np.abs(path).max() / np.sqrt(below + 1))

"""Tests of the assumptions of the limits of agreement."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from tapscope.agreement.estimate import NO_INTERVAL, Estimate
from tapscope.agreement.intervals import t_quantile
from tapscope.agreement.pairs import Pairs, is_constant, why_no_differences
from tapscope.records import FloatArray

SHAPIRO_MAXIMUM = 5000
"""Royston's approximation of the p value is not calibrated for more pairs."""


@dataclass(frozen=True, slots=True)
class Line:
    """Least-squares line through points.

    Ten times as fast as scipy.stats.linregress: the jackknife needs it.
    """

    slope: float
    intercept: float
    slope_error: float
    """Standard error of the slope."""
    n: int

    @classmethod
    def through(cls, x: FloatArray, y: FloatArray) -> "Line":
        """Fit y on x, both of shape (n,), n of 3 or more, x not constant."""
        centred = x - x.mean()
        squares = float(centred @ centred)
        slope = float(centred @ (y - y.mean())) / squares
        intercept = float(y.mean() - slope * x.mean())
        residual = y - intercept - slope * x
        error = float(np.sqrt(residual @ residual / (x.size - 2) / squares))
        return cls(slope, intercept, error, x.size)

    def interval(self, confidence_level: float) -> tuple[float, float]:
        """Return Student's interval of the slope."""
        half = t_quantile(confidence_level, self.n - 2) * self.slope_error
        return self.slope - half, self.slope + half

    @property
    def p_value(self) -> float:
        """Two-sided p of a slope of 0."""
        return float(2 * stats.t.sf(abs(self.slope) / self.slope_error, self.n - 2))


def proportional_bias(pairs: Pairs, confidence_level: float = 0.95) -> Estimate:
    """Regress the differences on the means of both methods.

    Parameters
    ----------
    pairs
        Both sides in the same unit.
    confidence_level
        Of the interval of the slope.

    Returns
    -------
    Estimate
        proportional_bias_slope, difference per unit of mean, with the p of slope 0. NaN with
        fewer than three pairs or constant means or differences.

    References
    ----------
    Bland & Altman 1999, doi:10.1177/096228029900800204.
    """
    method = (
        "least squares of video minus sensor on the mean of both (Bland & Altman 1999); t interval"
    )
    reason = _why_no_line(pairs)
    if reason:
        return pairs.undefined("proportional_bias_slope", confidence_level, method, reason)
    line = Line.through(pairs.mean, pairs.difference)
    return _slope(pairs, "proportional_bias_slope", line, confidence_level, method)


def heteroscedasticity(pairs: Pairs, confidence_level: float = 0.95) -> Estimate:
    """Regress the size of the residuals of the proportional-bias line on the means.

    Parameters
    ----------
    pairs
        Both sides in the same unit.
    confidence_level
        Of the interval of the slope.

    Returns
    -------
    Estimate
        heteroscedasticity_slope, absolute residual per unit of mean, with the p of slope 0. NaN
        with fewer than three pairs or no variation.

    References
    ----------
    Glejser 1969, doi:10.1080/01621459.1969.10500976; Bland & Altman 1999,
    doi:10.1177/096228029900800204.
    """
    method = (
        "Glejser: absolute residuals of the difference on the mean, regressed on the mean "
        "(Bland & Altman 1999); t interval"
    )
    reason = _why_no_line(pairs)
    if reason:
        return pairs.undefined("heteroscedasticity_slope", confidence_level, method, reason)
    bias_line = Line.through(pairs.mean, pairs.difference)
    residual = np.abs(pairs.difference - bias_line.intercept - bias_line.slope * pairs.mean)
    line = Line.through(pairs.mean, residual)
    return _slope(pairs, "heteroscedasticity_slope", line, confidence_level, method)


def normality(pairs: Pairs, confidence_level: float = 0.95) -> Estimate:
    """Test the differences for normality after Shapiro and Wilk.

    Parameters
    ----------
    pairs
        Both sides in the same unit.
    confidence_level
        Only noted; W has no interval.

    Returns
    -------
    Estimate
        shapiro_wilk_w with its p value. NaN with fewer than three pairs or constant differences;
        p NaN above 5000 pairs.

    References
    ----------
    Shapiro & Wilk 1965, doi:10.1093/biomet/52.3-4.591; Royston 1995, doi:10.2307/2986146.
    """
    method = "Shapiro-Wilk of video minus sensor (Royston 1995)"
    reason = why_no_differences(pairs)
    if reason:
        return pairs.undefined("shapiro_wilk_w", confidence_level, method, reason)
    if len(pairs) > SHAPIRO_MAXIMUM:
        reason = f"more than {SHAPIRO_MAXIMUM} pairs"
        return pairs.undefined("shapiro_wilk_w", confidence_level, method, reason)
    found = stats.shapiro(pairs.difference - pairs.difference.mean())
    return pairs.estimate(
        "shapiro_wilk_w",
        float(found.statistic),
        NO_INTERVAL,
        confidence_level,
        method,
        p_value=float(found.pvalue),
    )


def _why_no_line(pairs: Pairs) -> str:
    reason = why_no_differences(pairs)
    if not reason and is_constant(pairs.mean, pairs.magnitude):
        return "the means do not vary"
    return reason


def _slope(pairs: Pairs, name: str, line: Line, confidence_level: float, method: str) -> Estimate:
    if line.slope_error <= 1e-9 * abs(line.slope) or line.slope_error == 0:
        note = f"{method}; interval undefined: the points lie on the line"
        return pairs.estimate(name, line.slope, NO_INTERVAL, confidence_level, note)
    interval = line.interval(confidence_level)
    return pairs.estimate(
        name, line.slope, interval, confidence_level, method, p_value=line.p_value
    )

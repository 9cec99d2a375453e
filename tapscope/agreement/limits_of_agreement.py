"""Bias and limits of agreement of independent pairs, with exact intervals."""

from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from tapscope.agreement.estimate import Estimate
from tapscope.agreement.intervals import mean_interval, sd_interval
from tapscope.agreement.pairs import MINIMUM_PAIRS, Pairs, is_constant
from tapscope.records import FloatArray

LIMIT_SDS = 1.96
"""Standard deviations from the bias to a limit, rounded as Bland and Altman print it."""
LIMIT_COVERAGE = 0.95
"""Share of the differences that should lie between the two limits."""

_LIMITS = "bias -/+ 1.96 SD, ddof = 1 (Bland & Altman 1986)"
_EACH = f"{_LIMITS}; interval of each limit: exact noncentral t (Carkeet 2015)"
_PAIR = f"{_LIMITS}; interval of the pair: exact two-sided tolerance factors (Carkeet 2015)"
_METHODS = {
    "bias": "mean of video minus sensor; Student's t interval",
    "sd_difference": "SD of video minus sensor, ddof = 1; chi-square interval",
    "loa_lower": _EACH,
    "loa_upper": _EACH,
    "loa_lower_pair": _PAIR,
    "loa_upper_pair": _PAIR,
}


@lru_cache(maxsize=1024)
def one_sided_factor(n: int, normal_quantile: float, confidence: float) -> float:
    """Compute the exact one-sided tolerance factor of a normal quantile.

    With probability `confidence`, mean + k SD of a sample lies above the population's
    mean + z SD: k = t'(confidence; n - 1, z sqrt(n)) / sqrt(n), t' the noncentral t quantile.

    Parameters
    ----------
    n
        Sample size, 2 or more.
    normal_quantile
        z of the population's quantile (1.645 for 95 %).
    confidence
        Probability of lying above it.
    """
    root = float(np.sqrt(n))
    return float(stats.nct.ppf(confidence, n - 1, normal_quantile * root)) / root


@lru_cache(maxsize=1024)
def two_sided_factor(n: int, coverage: float, confidence: float) -> float:
    """Compute the exact two-sided tolerance factor of a normal sample.

    With probability `confidence`, mean - k SD to mean + k SD of a sample holds at least
    `coverage` of the population. The mean is integrated by Gauss-Legendre quadrature, the
    chi-square of the variance is exact. Agrees with Carkeet 2015, doi:10.1097/OPX.0000000000000513.

    Parameters
    ----------
    n
        Sample size, 2 or more.
    coverage, confidence
        Between 0 and 1.
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)
    farthest = 8.5 / np.sqrt(n)  # beyond it the sample mean's density is below 1e-15
    mean = (nodes + 1) / 2 * farthest
    density = np.sqrt(2 * n / np.pi) * np.exp(-n * mean**2 / 2) * weights * farthest / 2
    # Half width of the interval about this sample mean that holds `coverage`, squared.
    half_width_squared = stats.ncx2.ppf(coverage, 1, mean**2)

    def excess(factor: float) -> float:
        reached = stats.chi2.sf((n - 1) * half_width_squared / factor**2, n - 1)
        return float(density @ reached) - confidence

    return float(optimize.brentq(excess, 1e-3, 1e5, xtol=1e-12, rtol=1e-12))


def limits_of_agreement(pairs: Pairs, confidence_level: float = 0.95) -> list[Estimate]:
    """Estimate bias, SD and 95 % limits of agreement of independent pairs.

    bias = mean(video - sensor), limits = bias -/+ 1.96 SD (n - 1 in the denominator).

    Parameters
    ----------
    pairs
        Both sides in the same unit.
    confidence_level
        Of the intervals, not of the limits.

    Returns
    -------
    list of Estimate
        bias (Student's interval), sd_difference (chi-square), loa_lower and loa_upper (each limit
        by itself, exact noncentral t) and loa_lower_pair and loa_upper_pair (both limits at once,
        exact two-sided tolerance factors). NaN with fewer than three pairs; intervals NaN where
        the differences do not vary.

    References
    ----------
    Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8;
    Carkeet 2015, doi:10.1097/OPX.0000000000000513.
    """
    if len(pairs) < MINIMUM_PAIRS:
        return pairs.all_undefined(_METHODS, confidence_level, "fewer than 3 pairs")
    difference = pairs.difference
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    spread = LIMIT_SDS * sd
    values = {
        "bias": bias,
        "sd_difference": sd,
        "loa_lower": bias - spread,
        "loa_upper": bias + spread,
        "loa_lower_pair": bias - spread,
        "loa_upper_pair": bias + spread,
    }
    if is_constant(difference, pairs.magnitude):
        note = "; interval undefined: the differences do not vary"
        methods = {name: method + note for name, method in _METHODS.items()}
        return pairs.estimates(values, methods, confidence_level, {})
    intervals = _intervals(difference, bias, sd, confidence_level)
    return pairs.estimates(values, _METHODS, confidence_level, intervals)


def _intervals(
    difference: FloatArray, bias: float, sd: float, confidence_level: float
) -> dict[str, tuple[float, float]]:
    n, tail = difference.size, (1 - confidence_level) / 2
    near, far = (one_sided_factor(n, LIMIT_SDS, p) for p in (tail, 1 - tail))
    inner, outer = (two_sided_factor(n, LIMIT_COVERAGE, p) for p in (tail, 1 - tail))
    return {
        "bias": mean_interval(difference, confidence_level),
        "sd_difference": sd_interval(sd, n - 1, confidence_level),
        "loa_lower": (bias - far * sd, bias - near * sd),
        "loa_upper": (bias + near * sd, bias + far * sd),
        "loa_lower_pair": (bias - outer * sd, bias - inner * sd),
        "loa_upper_pair": (bias + inner * sd, bias + outer * sd),
    }

"""Confidence intervals of a mean, a standard deviation and a share."""

import numpy as np
from scipy import stats

from tapscope.agreement.estimate import NO_INTERVAL
from tapscope.records import FloatArray


def normal_quantile(confidence_level: float) -> float:
    """Return the standard normal quantile of a two-sided interval (1.95996 for 0.95)."""
    return float(stats.norm.ppf(0.5 + confidence_level / 2))


def t_quantile(confidence_level: float, degrees: float) -> float:
    """Return Student's quantile of a two-sided interval."""
    return float(stats.t.ppf(0.5 + confidence_level / 2, degrees))


def mean_interval(values: FloatArray, confidence_level: float) -> tuple[float, float]:
    """Return Student's interval of a mean; NaN with fewer than two values."""
    if values.size < 2:
        return NO_INTERVAL
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / np.sqrt(values.size)
    half = t_quantile(confidence_level, values.size - 1) * float(error)
    return mean - half, mean + half


def sd_interval(sd: float, degrees: int, confidence_level: float) -> tuple[float, float]:
    """Return the chi-square interval of a standard deviation of normal values."""
    tail = (1 - confidence_level) / 2
    return (
        sd * float(np.sqrt(degrees / stats.chi2.ppf(1 - tail, degrees))),
        sd * float(np.sqrt(degrees / stats.chi2.ppf(tail, degrees))),
    )


def wilson_interval(share: float, n: float, confidence_level: float) -> tuple[float, float]:
    """Return Wilson's score interval of a share out of `n` (which may be an effective number).

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    if n <= 0:
        return NO_INTERVAL
    z = normal_quantile(confidence_level)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2))
    # At 0 and 1 the interval ends there exactly; rounding must not leave it beside the value.
    return min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share)


def effective_count(successes: FloatArray, totals: FloatArray) -> float:
    """Return how many independent events carry as much information as clustered ones.

    The total is divided by the design effect, the variance of the share between clusters (ratio
    estimator) over the binomial variance, where that exceeds 1.
    Source: Rao & Scott 1992, doi:10.2307/2532311.

    Parameters
    ----------
    successes, totals
        Events that succeeded and all events of each cluster, shape (clusters,).

    Notes
    -----
    With fewer than two clusters, or a share of 0 or 1, the design effect is taken as 1.
    """
    total, clusters = float(totals.sum()), int(np.count_nonzero(totals))
    if clusters < 2:
        return total
    share = float(successes.sum()) / total
    binomial = share * (1 - share) / total
    if binomial == 0:
        return total
    squares = float(np.sum((successes - share * totals) ** 2))
    between = clusters / (clusters - 1) * squares / total**2
    return total / max(1.0, between / binomial)

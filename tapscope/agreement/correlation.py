"""Correlation, rank correlation and concordance of paired values."""

import numpy as np
from scipy import stats

from tapscope.agreement.estimate import NO_INTERVAL, Estimate
from tapscope.agreement.intervals import normal_quantile
from tapscope.agreement.pairs import MINIMUM_PAIRS, Pairs, why_no_correlation
from tapscope.records import FloatArray


def pearson(pairs: Pairs, confidence_level: float = 0.95) -> Estimate:
    """Compute Pearson's correlation with Fisher's interval.

    Parameters
    ----------
    pairs
        Any units.
    confidence_level
        Of the interval, tanh(atanh(r) -/+ z / sqrt(n - 3)).

    Returns
    -------
    Estimate
        pearson_r, with the p of no correlation (Student's t). NaN with fewer than three pairs or
        where a side is constant; interval NaN with three pairs or at r = 1 or -1.
    """
    method = "Pearson; Fisher z interval"
    reason = why_no_correlation(pairs)
    if reason:
        return pairs.undefined("pearson_r", confidence_level, method, reason)
    r = _product_moment(pairs.video, pairs.sensor)
    return _fisher(pairs, "pearson_r", r, confidence_level, method, inflation=1.0)


def spearman(pairs: Pairs, confidence_level: float = 0.95) -> Estimate:
    """Compute Spearman's rank correlation with the interval of Bonett and Wright.

    Parameters
    ----------
    pairs
        Any units; ties get mean ranks.
    confidence_level
        Of the interval, tanh(atanh(rho) -/+ z sqrt((1 + rho^2 / 2) / (n - 3))).

    Returns
    -------
    Estimate
        spearman_rho, with the p of no correlation (Student's t). NaN as in `pearson`.

    References
    ----------
    Bonett & Wright 2000, doi:10.1007/BF02294183.
    """
    method = "Spearman, mean ranks for ties; Fisher z interval (Bonett & Wright 2000)"
    reason = why_no_correlation(pairs)
    if reason:
        return pairs.undefined("spearman_rho", confidence_level, method, reason)
    rho = _product_moment(stats.rankdata(pairs.video), stats.rankdata(pairs.sensor))
    return _fisher(pairs, "spearman_rho", rho, confidence_level, method, inflation=1 + rho**2 / 2)


def concordance(pairs: Pairs, confidence_level: float = 0.95) -> Estimate:
    """Compute Lin's concordance correlation coefficient with its z interval.

    ccc = 2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2), moments with n in the denominator.

    Parameters
    ----------
    pairs
        Both sides in the same unit.
    confidence_level
        Of the interval, by the inverse hyperbolic tangent and Lin's asymptotic variance.

    Returns
    -------
    Estimate
        ccc. NaN with fewer than three pairs or where a side is constant; interval NaN at 1 or -1.

    References
    ----------
    Lin 1989, doi:10.2307/2532051; its variance corrected in Lin 2000,
    doi:10.1111/j.0006-341X.2000.00324.x.
    """
    method = "Lin's concordance (Lin 1989), moments / n; z interval (Lin 2000 correction)"
    reason = why_no_correlation(pairs)
    if reason:
        return pairs.undefined("ccc", confidence_level, method, reason)
    r = _product_moment(pairs.video, pairs.sensor)
    product = float(pairs.video.std() * pairs.sensor.std())
    gap = float(pairs.video.mean() - pairs.sensor.mean())
    spread = float(pairs.video.var() + pairs.sensor.var())
    accuracy = 2 * product / (spread + gap**2)
    ccc = r * accuracy
    if 1 - abs(ccc) < 1e-12:
        note = f"{method}; interval undefined at 1 and -1"
        return pairs.estimate("ccc", ccc, NO_INTERVAL, confidence_level, note)
    variance = _concordance_variance(r, accuracy, gap**2 / product) / (len(pairs) - 2)
    half = normal_quantile(confidence_level) * float(np.sqrt(variance))
    centre = float(np.arctanh(ccc))
    low, high = float(np.tanh(centre - half)), float(np.tanh(centre + half))
    return pairs.estimate("ccc", ccc, (min(low, ccc), max(high, ccc)), confidence_level, method)


def _product_moment(x: FloatArray, y: FloatArray) -> float:
    """Return Pearson's r, ten times as fast as scipy.stats.pearsonr: the jackknife needs it."""
    x, y = x - x.mean(), y - y.mean()
    # Scaling first keeps squares of very small or large values from under- or overflowing.
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
    r = float(x @ y) / float(np.sqrt((x @ x) * (y @ y)))
    return min(1.0, max(-1.0, r))


def _concordance_variance(r: float, accuracy: float, shift: float) -> float:
    """Return (n - 2) times the variance of atanh(ccc), `shift` = gap^2 / (s_x s_y).

    Lin's terms, with ccc / r replaced by the accuracy: r may then be 0.
    """
    ccc = r * accuracy
    rest = 1 - ccc**2
    return max(
        0.0,
        (1 - r**2) * accuracy**2 / rest
        + 2 * ccc**2 * accuracy * (1 - ccc) * shift / rest**2
        - (ccc * accuracy * shift) ** 2 / (2 * rest**2),
    )


def _fisher(
    pairs: Pairs, name: str, r: float, confidence_level: float, method: str, *, inflation: float
) -> Estimate:
    n = len(pairs)
    if 1 - abs(r) < 1e-12:
        note = f"{method}; interval undefined at 1 and -1"
        return pairs.estimate(name, r, NO_INTERVAL, confidence_level, note)
    t = r * float(np.sqrt((n - 2) / (1 - r**2)))
    p_value = float(2 * stats.t.sf(abs(t), n - 2))
    if n <= MINIMUM_PAIRS:
        note = f"{method}; interval undefined: needs 4 pairs"
        return pairs.estimate(name, r, NO_INTERVAL, confidence_level, note, p_value=p_value)
    half = normal_quantile(confidence_level) * float(np.sqrt(inflation / (n - 3)))
    centre = float(np.arctanh(r))
    low, high = float(np.tanh(centre - half)), float(np.tanh(centre + half))
    return pairs.estimate(name, r, (low, high), confidence_level, method, p_value=p_value)

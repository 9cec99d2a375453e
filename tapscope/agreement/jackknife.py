"""Jackknife intervals for several values from one participant or recording."""

from typing import Literal

import numpy as np

from tapscope.agreement.estimate import NAN, NO_INTERVAL
from tapscope.agreement.intervals import t_quantile
from tapscope.agreement.pairs import MINIMUM_PAIRS
from tapscope.records import FloatArray

Scale = Literal["real", "positive", "correlation"]


def jackknife_interval(
    value: float, left_out: FloatArray, confidence_level: float, scale: Scale = "real"
) -> tuple[float, float]:
    """Return the interval of a statistic from its values without each cluster in turn.

    value -/+ t(k - 1) sqrt((k - 1) / k sum((v_i - mean v)^2)), on a scale where the statistic is
    nearer to normal.

    Parameters
    ----------
    value
        The statistic over all clusters.
    left_out
        The statistic without each of the k clusters in turn, shape (k,).
    confidence_level
        Of the interval.
    scale
        'real': as it is; 'positive': logarithm; 'correlation': Fisher's z.

    Returns
    -------
    tuple of float
        NaN with fewer than three clusters, where a value is undefined or at the end of the scale,
        or where nothing varies.

    References
    ----------
    Efron & Stein 1981, doi:10.1214/aos/1176345462.
    """
    error = jackknife_error(value, left_out, scale)
    if not error > 0:
        return NO_INTERVAL
    half = t_quantile(confidence_level, left_out.size - 1) * error
    centre = float(_transformed(np.array([value]), scale)[0])
    if scale == "positive":
        return float(np.exp(centre - half)), float(np.exp(centre + half))
    if scale == "correlation":
        return float(np.tanh(centre - half)), float(np.tanh(centre + half))
    return centre - half, centre + half


def jackknife_error(value: float, left_out: FloatArray, scale: Scale = "real") -> float:
    """Return the jackknife standard error on the scale, NaN where there is none."""
    count = left_out.size
    replicates = _transformed(left_out, scale)
    if count < MINIMUM_PAIRS or not np.isfinite(replicates).all():
        return NAN
    if not np.isfinite(_transformed(np.array([value]), scale)).all():
        return NAN
    squares = float(np.sum((replicates - replicates.mean()) ** 2))
    return float(np.sqrt((count - 1) / count * squares))


def _transformed(values: FloatArray, scale: Scale) -> FloatArray:
    """Transform values to the scale; NaN outside its open range."""
    transformed = np.full(values.shape, NAN)
    if scale == "positive":
        np.log(values, out=transformed, where=values > 0)
    elif scale == "correlation":
        np.arctanh(values, out=transformed, where=np.abs(values) < 1 - 1e-12)
    else:
        transformed[:] = values
    return transformed

"""Equivalence of two methods within a margin named beforehand."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tapscope.agreement.estimate import (
    MINIMUM_PAIRS,
    NO_INTERVAL,
    Estimate,
    Pairs,
    check_level,
    check_positive,
    is_constant,
    mean_interval,
)

NAME: Final = "tost_mean_difference"


def equivalence(
    video: ArrayLike, sensor: ArrayLike, margin: float, confidence_level: float = 0.95
) -> Estimate:
    """Test by two one-sided paired t tests that the mean difference is inside a margin.

    Parameters
    ----------
    video, sensor
        Shape (pairs,), the same unit; pairs with NaN are dropped and counted.
    margin
        Largest mean difference that does not matter, named before the data were seen, in the unit
        of the values; tested from -margin to margin.
    confidence_level
        1 - alpha of each one-sided test; the interval has confidence 1 - 2 alpha (90 % for 95 %),
        and lies inside the margin exactly where p < alpha.

    Returns
    -------
    Estimate
        tost_mean_difference, with the larger one-sided p. NaN with fewer than three pairs; p NaN
        where the differences do not vary.

    Raises
    ------
    ComparisonError
        If the lists differ in length or the margin is not positive.

    References
    ----------
    Schuirmann 1987, doi:10.1007/BF01068419.
    """
    check_level(confidence_level)
    check_positive(margin, "equivalence margin")
    pairs = Pairs.of(video, sensor)
    method = f"two one-sided paired t tests, margin -/+{margin:g} (Schuirmann 1987)"
    level = 2 * confidence_level - 1
    if level <= 0:
        return pairs.undefined(NAME, level, method, "the tests' confidence is 50 % or less")
    if len(pairs) < MINIMUM_PAIRS:
        return pairs.undefined(NAME, level, method, "fewer than 3 pairs")
    difference = pairs.difference
    mean = float(difference.mean())
    if is_constant(difference, pairs.magnitude):
        note = f"{method}; test undefined: the differences do not vary"
        return pairs.estimate(NAME, mean, NO_INTERVAL, level, note)
    error = float(difference.std(ddof=1) / np.sqrt(difference.size))
    nearest = (margin - abs(mean)) / error
    p_value = float(stats.t.sf(nearest, difference.size - 1))
    interval = mean_interval(difference, level)
    return pairs.estimate(NAME, mean, interval, level, method, p_value=p_value)

"""Equivalence of video and sensor within a margin that was chosen beforehand."""

from typing import Final

import numpy as np
from scipy import stats

from tapscope.agreement.estimate import NO_INTERVAL, Estimate
from tapscope.agreement.intervals import mean_interval
from tapscope.agreement.pairs import MINIMUM_PAIRS, Pairs, is_constant

NAME: Final = "tost_mean_difference"


def equivalence(pairs: Pairs, margin: float, confidence_level: float = 0.95) -> Estimate:
    """Test by two one-sided paired t tests whether the mean difference lies within a margin.

    Parameters
    ----------
    pairs
        Both sides in the same unit.
    margin
        Largest mean difference that does not matter, above 0, in the unit of the values, chosen
        before the data were seen; the test is from -margin to margin.
    confidence_level
        1 - alpha of each one-sided test. The interval has confidence 1 - 2 alpha (90 % for 95 %);
        it lies within the margin exactly where p < alpha.

    Returns
    -------
    Estimate
        tost_mean_difference, with the larger one-sided p. NaN with fewer than three pairs; p NaN
        where the differences do not vary.

    References
    ----------
    Schuirmann 1987, doi:10.1007/BF01068419.
    """
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

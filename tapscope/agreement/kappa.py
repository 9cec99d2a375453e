"""Agreement of two raters in a choice, beyond that of chance."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tapscope.agreement.estimate import NAN, NO_INTERVAL, Estimate, check_level
from tapscope.errors import ComparisonError


def cohen_kappa(one: ArrayLike, other: ArrayLike, confidence_level: float = 0.95) -> Estimate:
    """Compute Cohen's kappa of two raters.

    Parameters
    ----------
    one, other
        The choice of each rater for the same targets; shape (targets,).
    confidence_level
        Of the interval: large samples, after Fleiss, Cohen and Everitt.

    Returns
    -------
    Estimate
        kappa = (observed - chance) / (1 - chance). NaN where both raters always made the same
        choice: then nothing tells agreement from habit.

    Raises
    ------
    ComparisonError
        The lists are empty or of different length.

    References
    ----------
    Cohen 1960, doi:10.1177/001316446002000104. Fleiss, Cohen & Everitt 1969,
    doi:10.1037/h0028106.
    """
    check_level(confidence_level)
    first, second = np.asarray(one), np.asarray(other)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ComparisonError(
            f"kappa needs two lists of the same length, has {first.shape} and {second.shape}"
        )
    method = "Cohen's kappa (1960); large-sample interval (Fleiss, Cohen & Everitt 1969)"
    shares = _shares(first, second)
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, chance = float(np.trace(shares)), float(rows @ columns)
    if chance >= 1:
        note = f"{method}; undefined: both raters always made the same choice"
        return Estimate("kappa", NAN, *NO_INTERVAL, confidence_level, note, first.size)
    kappa = (observed - chance) / (1 - chance)
    away = (columns[:, None] + rows[None, :]) * (1 - kappa)
    np.fill_diagonal(away, 0.0)
    agreed = np.diag(shares) * (1 - (rows + columns) * (1 - kappa)) ** 2
    spread = agreed.sum() + float((shares * away**2).sum()) - (kappa - chance * (1 - kappa)) ** 2
    error = np.sqrt(max(spread, 0.0) / first.size) / (1 - chance)
    reach = float(stats.norm.ppf((1 + confidence_level) / 2) * error)
    low, high = max(kappa - reach, -1.0), min(kappa + reach, 1.0)
    return Estimate("kappa", kappa, low, high, confidence_level, method, first.size)


def _shares(one: NDArray[np.generic], other: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return the share of each pair of choices; shape (choices, choices)."""
    choices, places = np.unique(np.concatenate([one, other]), return_inverse=True)
    table = np.zeros((len(choices), len(choices)))
    np.add.at(table, (places[: one.size], places[one.size :]), 1 / one.size)
    return table

"""Intraclass correlations after McGraw and Wong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from tapscope.agreement.estimate import NAN, NO_INTERVAL, Estimate
from tapscope.agreement.pairs import MINIMUM_PAIRS, is_constant
from tapscope.errors import ComparisonError
from tapscope.records import FloatArray

FORMS = {
    "icc_1_1": "ICC(1,1): one-way random, single rating",
    "icc_a_1": "ICC(A,1): two-way, absolute agreement, single rating",
    "icc_c_1": "ICC(C,1): two-way, consistency, single rating",
    "icc_1_k": "ICC(1,k): one-way random, mean of k ratings",
    "icc_a_k": "ICC(A,k): two-way, absolute agreement, mean of k ratings",
    "icc_c_k": "ICC(C,k): two-way, consistency, mean of k ratings",
}


@dataclass(frozen=True, slots=True)
class _TwoWay:
    """Mean squares of a complete table of ratings."""

    rows: int
    columns: int
    between_rows: float
    between_columns: float
    error: float
    within_rows: float

    @classmethod
    def of(cls, ratings: FloatArray) -> "_TwoWay":
        n, k = ratings.shape
        grand = ratings.mean()
        row, column = ratings.mean(axis=1), ratings.mean(axis=0)
        rest = ratings - row[:, None] - column[None, :] + grand
        return cls(
            n,
            k,
            float(k * np.sum((row - grand) ** 2) / (n - 1)),
            float(n * np.sum((column - grand) ** 2) / (k - 1)),
            float(np.sum(rest**2) / ((n - 1) * (k - 1))),
            float(np.sum((ratings - row[:, None]) ** 2) / (n * (k - 1))),
        )


def intraclass_correlations(ratings: ArrayLike, confidence_level: float = 0.95) -> list[Estimate]:
    """Compute ICC(1,1), ICC(A,1), ICC(C,1) and their averages with exact F intervals.

    Parameters
    ----------
    ratings
        Shape (targets, methods), the same unit; targets with a NaN are dropped and counted.
    confidence_level
        Of the intervals (ICC(A): Satterthwaite's degrees of freedom).

    Returns
    -------
    list of Estimate
        icc_1_1, icc_a_1, icc_c_1, icc_1_k, icc_a_k, icc_c_k. NaN with fewer than three targets or
        where the targets do not differ; averages also NaN where the single rating's ICC is
        -1/(k - 1) or less; intervals NaN where the methods do not differ.

    Raises
    ------
    ComparisonError
        If the table has fewer than two columns.

    References
    ----------
    McGraw & Wong 1996, doi:10.1037/1082-989X.1.1.30.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ComparisonError(
            f"ratings must be a table of targets by two or more methods, have shape {table.shape}"
        )
    complete = np.isfinite(table).all(axis=1)
    kept, n_dropped = table[complete], int(np.count_nonzero(~complete))
    values = dict.fromkeys(FORMS, NAN)
    intervals = dict.fromkeys(FORMS, NO_INTERVAL)
    note = ""
    if len(kept) < MINIMUM_PAIRS:
        note = "; undefined: fewer than 3 targets"
    elif is_constant(kept.mean(axis=1)):
        note = "; undefined: the targets do not differ"
    else:
        squares = _TwoWay.of(kept)
        values = _with_averages(_single(squares), squares.columns)
        if _negligible(squares.error, squares):
            note = "; interval undefined: no error between the methods"
        else:
            intervals = _intervals(squares, values["icc_a_1"], (1 - confidence_level) / 2)
    return [
        Estimate(
            name,
            values[name],
            *intervals[name],
            confidence_level,
            f"{form} (McGraw & Wong 1996); F interval{note or _without_average(values[name])}",
            len(kept),
            n_dropped=n_dropped,
        )
        for name, form in FORMS.items()
    ]


def _without_average(value: float) -> str:
    return "; undefined: single rating at or below -1/(k - 1)" if np.isnan(value) else ""


def _negligible(mean_square: float, squares: _TwoWay) -> bool:
    return mean_square <= 1e-24 * (squares.between_rows + squares.between_columns)


def _single(squares: _TwoWay) -> dict[str, float]:
    n, k = squares.rows, squares.columns
    rows, error, within = squares.between_rows, squares.error, squares.within_rows
    column_excess = k / n * (squares.between_columns - error)
    return {
        "icc_1_1": (rows - within) / (rows + (k - 1) * within),
        "icc_a_1": (rows - error) / (rows + (k - 1) * error + column_excess),
        "icc_c_1": (rows - error) / (rows + (k - 1) * error),
    }


def _average(single: float, k: int) -> float:
    """Return the ICC of the mean of k ratings (Spearman-Brown); NaN at -1/(k - 1) or less."""
    below = 1 + (k - 1) * single
    return k * single / below if below > 1e-9 else NAN


def _with_averages(single: dict[str, float], k: int) -> dict[str, float]:
    averages = {f"{name[:-1]}k": _average(value, k) for name, value in single.items()}
    return single | averages


def _intervals(squares: _TwoWay, agreement: float, tail: float) -> dict[str, tuple[float, float]]:
    n, k = squares.rows, squares.columns
    one_way = _f_interval(squares.between_rows / squares.within_rows, n - 1, n * (k - 1), k, tail)
    consistency = _f_interval(
        squares.between_rows / squares.error, n - 1, (n - 1) * (k - 1), k, tail
    )
    single = {
        "icc_1_1": one_way,
        "icc_a_1": _agreement_interval(squares, agreement, tail),
        "icc_c_1": consistency,
    }
    averages = {
        f"{name[:-1]}k": (_average(low, k), _average(high, k))
        for name, (low, high) in single.items()
    }
    return single | averages


def _f_interval(
    ratio: float, numerator: int, denominator: int, k: int, tail: float
) -> tuple[float, float]:
    low = ratio / float(stats.f.ppf(1 - tail, numerator, denominator))
    high = ratio * float(stats.f.ppf(1 - tail, denominator, numerator))
    return (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)


def _agreement_interval(squares: _TwoWay, icc: float, tail: float) -> tuple[float, float]:
    """Return the interval of ICC(A,1), McGraw & Wong 1996, table 7."""
    n, k = squares.rows, squares.columns
    rows, columns, error = squares.between_rows, squares.between_columns, squares.error
    weight = k * icc / (n * (1 - icc))
    rest = 1 + (n - 1) * weight
    degrees = (weight * columns + rest * error) ** 2 / (
        (weight * columns) ** 2 / (k - 1) + (rest * error) ** 2 / ((n - 1) * (k - 1))
    )
    spread = k * columns + (k * n - k - n) * error
    low_f = float(stats.f.ppf(1 - tail, n - 1, degrees))
    high_f = float(stats.f.ppf(1 - tail, degrees, n - 1))
    low = n * (rows - low_f * error) / (low_f * spread + n * rows)
    high = n * (high_f * rows - error) / (spread + n * high_f * rows)
    return low, high

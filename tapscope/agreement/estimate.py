"""One statistic with its interval and the name of its variant."""

from dataclasses import dataclass

import numpy as np

from tapscope.errors import ComparisonError

NAN = float("nan")
NO_INTERVAL = (NAN, NAN)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One statistic: value, confidence interval and method."""

    name: str
    """Name of the statistic; its last word is the unit where that is not the feature's own."""
    value: float
    """Point estimate, NaN where it is not defined."""
    low: float
    """Lower end of the confidence interval, NaN where there is none."""
    high: float
    """Upper end of the confidence interval, NaN where there is none."""
    confidence_level: float
    """Two-sided confidence of the interval, 0 to 1."""
    method: str
    """Variant of the statistic, then of its interval; after 'undefined:' why one is missing."""
    n: int
    """Pairs (or events) that were used."""
    p_value: float = NAN
    """Two-sided p of the test that the method names (TOST: the larger one-sided p); NaN if none."""
    n_dropped: int = 0
    """Pairs left out because one side was missing (NaN or infinite)."""

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"{self.name}: interval from {self.low} to {self.high} is reversed")


def check_level(confidence_level: float) -> None:
    """Refuse a confidence level outside 0 to 1.

    Raises
    ------
    ComparisonError
        If it is not between 0 and 1 (95 % is 0.95).
    """
    if not 0 < confidence_level < 1:
        raise ComparisonError(
            f"confidence level {confidence_level} must lie between 0 and 1 (0.95 is 95 %)"
        )


def check_positive(value: float, owner: str) -> None:
    """Refuse a value that is not a positive number.

    Raises
    ------
    ComparisonError
        If it is NaN, infinite, zero or negative.
    """
    if not (np.isfinite(value) and value > 0):
        raise ComparisonError(f"{owner} {value} must be a positive number")

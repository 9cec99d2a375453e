"""One statistic with its interval and the name of its variant, and the pairs it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tapscope.errors import ComparisonError
from tapscope.records import FloatArray

NAN = float("nan")
NO_INTERVAL = (NAN, NAN)
MINIMUM_PAIRS = 3
"""Fewer pairs (or participants) leave no degree of freedom for a spread about a line."""
ROUNDING = 1e-12
"""Variation below this share of the magnitude is rounding of the floating point, not data."""
UNDERFLOW = 1e-100
"""Products of smaller variations vanish in floating point."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One statistic: value, confidence interval and how it was got."""

    name: str
    """Name of the statistic; a unit other than the feature's own is its last word."""
    value: float
    """Point estimate, NaN where it is not defined."""
    low: float
    """Lower end of the confidence interval, NaN where there is none."""
    high: float
    """Upper end of the confidence interval, NaN where there is none."""
    confidence_level: float
    """Two-sided confidence of the interval, 0 to 1."""
    method: str
    """Variant and source; then the interval's; then after 'undefined:' why there is none."""
    n: int
    """Pairs (or events) that entered."""
    p_value: float = NAN
    """Two-sided p of the test that the method names (TOST: the larger one-sided p); NaN if none."""
    n_dropped: int = 0
    """Pairs left out because one side was missing (NaN or infinite)."""

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"{self.name}: interval from {self.low} to {self.high} is reversed")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Values of both methods, complete pairs only."""

    video: FloatArray
    """Estimate by video, shape (n,)."""
    sensor: FloatArray
    """Reference by sensor, shape (n,)."""
    participant: NDArray[np.int64]
    """Number of the participant of each pair, 0 upwards, shape (n,)."""
    n_dropped: int = 0
    """Pairs left out because one side was missing."""
    n_unknown: int = field(default=0)
    """Complete pairs without a participant; each counts as a participant of its own."""

    @classmethod
    def of(
        cls, video: ArrayLike, sensor: ArrayLike, participant_ids: Sequence[str] | None = None
    ) -> "Pairs":
        """Pair two lists of values and leave out those with a missing side.

        Parameters
        ----------
        video, sensor
            Shape (pairs,); NaN and infinity mean missing.
        participant_ids
            Who gave each pair; '' is unknown; None makes each pair a participant of its own.

        Raises
        ------
        ComparisonError
            If the lists are not one-dimensional or differ in length.
        """
        first, second = as_vector(video, "video"), as_vector(sensor, "sensor")
        if first.size != second.size:
            raise ComparisonError(
                f"{first.size} video values against {second.size} sensor values: "
                "give one sensor value for each video value (NaN where it is missing)"
            )
        names = [""] * first.size if participant_ids is None else list(participant_ids)
        if len(names) != first.size:
            raise ComparisonError(
                f"{len(names)} participants for {first.size} pairs: give one for each pair"
            )
        complete = np.isfinite(first) & np.isfinite(second)
        kept = [name for name, whole in zip(names, complete, strict=True) if whole]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(kept)) if name}
        participant = np.array(
            [numbers[name] if name else len(kept) + place for place, name in enumerate(kept)],
            dtype=np.int64,
        )
        return cls(
            first[complete],
            second[complete],
            np.unique(participant, return_inverse=True)[1].astype(np.int64),
            n_dropped=int(np.count_nonzero(~complete)),
            n_unknown=0 if participant_ids is None else kept.count(""),
        )

    def __len__(self) -> int:
        return self.video.size

    @property
    def difference(self) -> FloatArray:
        """Video minus sensor, shape (n,)."""
        return self.video - self.sensor

    @property
    def mean(self) -> FloatArray:
        """Mean of both methods, shape (n,)."""
        return (self.video + self.sensor) / 2

    @property
    def magnitude(self) -> float:
        """Largest absolute value on either side, the scale of rounding errors."""
        if not len(self):
            return 0.0
        return float(max(np.abs(self.video).max(), np.abs(self.sensor).max()))

    @property
    def n_participants(self) -> int:
        """Number of participants with a complete pair."""
        return int(self.participant.max()) + 1 if len(self) else 0

    def without(self, participant: int) -> "Pairs":
        """Return the pairs of all other participants."""
        kept = self.participant != participant
        return replace(
            self,
            video=self.video[kept],
            sensor=self.sensor[kept],
            participant=np.unique(self.participant[kept], return_inverse=True)[1],
        )

    def participant_means(self) -> "Pairs":
        """Return one pair a participant, the means of the participant's trials."""
        counts = np.bincount(self.participant)
        return replace(
            self,
            video=np.bincount(self.participant, self.video) / counts,
            sensor=np.bincount(self.participant, self.sensor) / counts,
            participant=np.arange(counts.size),
        )

    def estimate(
        self,
        name: str,
        value: float,
        interval: tuple[float, float],
        confidence_level: float,
        method: str,
        *,
        p_value: float = NAN,
    ) -> Estimate:
        """Return an Estimate that knows the numbers of its pairs."""
        return Estimate(
            name, value, *interval, confidence_level, method, len(self), p_value, self.n_dropped
        )

    def undefined(self, name: str, confidence_level: float, method: str, reason: str) -> Estimate:
        """Return an Estimate of NaN whose method says why."""
        return self.estimate(
            name, NAN, NO_INTERVAL, confidence_level, f"{method}; undefined: {reason}"
        )


def as_vector(values: ArrayLike, owner: str) -> FloatArray:
    """Return the values as a one-dimensional array of floats.

    Raises
    ------
    ComparisonError
        If they have another shape.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ComparisonError(f"{owner} values must be one list, have shape {array.shape}")
    return array


def check_level(confidence_level: float) -> None:
    """Refuse a confidence level that is none.

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


def is_constant(values: FloatArray, magnitude: float | None = None) -> bool:
    """Tell whether the values vary by no more than rounding does.

    Parameters
    ----------
    values
        Shape (n,), finite.
    magnitude
        Size of the numbers the values were computed from, by default the largest of them.
    """
    if values.size == 0:
        return True
    scale = float(np.abs(values).max()) if magnitude is None else magnitude
    return bool(np.ptp(values) <= max(ROUNDING * scale, UNDERFLOW))


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
    """Return the number of independent events that clustered events are worth.

    The total is divided by the design effect, the variance of the share between clusters (ratio
    estimator) over the binomial variance, where that exceeds 1.
    Source: Rao & Scott 1992, doi:10.2307/2532311.

    Parameters
    ----------
    successes, totals
        Events that succeeded and all events of each cluster, shape (clusters,).

    Notes
    -----
    With fewer than two clusters, or a share of 0 or 1, no design effect can be seen: it is 1.
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

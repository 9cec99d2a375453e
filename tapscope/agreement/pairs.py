"""The pairs of values that every agreement statistic is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tapscope.agreement.estimate import NAN, NO_INTERVAL, Estimate
from tapscope.errors import ComparisonError
from tapscope.records import FloatArray

MINIMUM_PAIRS = 3
"""Fewer pairs (or participants) leave no degree of freedom for a spread about a line."""
ROUNDING = 1e-12
"""Variation below this share of the magnitude is floating-point rounding, not data."""
UNDERFLOW = 1e-100
"""Products of smaller variations vanish in floating point."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Values of video and sensor, complete pairs only."""

    video: FloatArray
    """Estimate by video, shape (n,)."""
    sensor: FloatArray
    """Reference by sensor, shape (n,)."""
    participant: NDArray[np.int64]
    """Number of the participant of each pair, 0 upwards, shape (n,)."""
    n_dropped: int = 0
    """Pairs left out because one side was missing."""
    n_unknown: int = 0
    """Complete pairs without a participant; each counts as a participant of its own."""

    @classmethod
    def of(
        cls, video: ArrayLike, sensor: ArrayLike, participant_ids: Sequence[str] | None = None
    ) -> "Pairs":
        """Pair two lists of values and leave out pairs with a missing side.

        Parameters
        ----------
        video, sensor
            Shape (pairs,); NaN and infinity mean missing.
        participant_ids
            Participant of each pair; '' is unknown; None makes each pair a participant of its own.

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
        """Return one pair for each participant, the means of the participant's trials."""
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
        """Return an Estimate with the numbers of used and of dropped pairs."""
        return Estimate(
            name, value, *interval, confidence_level, method, len(self), p_value, self.n_dropped
        )

    def estimates(
        self,
        values: Mapping[str, float],
        methods: Mapping[str, str],
        confidence_level: float,
        intervals: Mapping[str, tuple[float, float]],
    ) -> list[Estimate]:
        """Return one Estimate a value; without an interval where `intervals` has none."""
        return [
            self.estimate(
                name, value, intervals.get(name, NO_INTERVAL), confidence_level, methods[name]
            )
            for name, value in values.items()
        ]

    def undefined(self, name: str, confidence_level: float, method: str, reason: str) -> Estimate:
        """Return an Estimate of NaN whose method says why."""
        return self.estimate(
            name, NAN, NO_INTERVAL, confidence_level, f"{method}; undefined: {reason}"
        )

    def all_undefined(
        self, methods: Mapping[str, str], confidence_level: float, reason: str
    ) -> list[Estimate]:
        """Return an undefined Estimate for each name in `methods`."""
        return [
            self.undefined(name, confidence_level, method, reason)
            for name, method in methods.items()
        ]


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


def is_constant(values: FloatArray, magnitude: float | None = None) -> bool:
    """Say whether the values are equal but for rounding.

    Parameters
    ----------
    values
        Shape (n,), finite.
    magnitude
        Size of the numbers that the values were computed from; by default the largest value.
    """
    if values.size == 0:
        return True
    scale = float(np.abs(values).max()) if magnitude is None else magnitude
    return bool(np.ptp(values) <= max(ROUNDING * scale, UNDERFLOW))


def why_no_correlation(pairs: Pairs) -> str:
    """Return why these pairs have no correlation or regression line; '' where they have one."""
    if len(pairs) < MINIMUM_PAIRS:
        return "fewer than 3 pairs"
    if is_constant(pairs.video):
        return "the video values do not vary"
    if is_constant(pairs.sensor):
        return "the sensor values do not vary"
    return ""


def why_no_differences(pairs: Pairs) -> str:
    """Return why the differences of these pairs have no distribution; '' where they have one."""
    if len(pairs) < MINIMUM_PAIRS:
        return "fewer than 3 pairs"
    if is_constant(pairs.difference, pairs.magnitude):
        return "the differences do not vary"
    return ""

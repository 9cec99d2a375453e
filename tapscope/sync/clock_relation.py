"""How a sensor's clock relates to a video's: found from movement, stated, or known from cues."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import t as student

from tapscope.records import FloatArray
from tapscope.sync.thresholds import SETTINGS
from tapscope.sync.trust import TRUSTED_FLAGS

UNKNOWN_INTERVAL: Final = (math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Synchronisation:
    """How sensor time follows from video time: sensor = video + offset + drift x video."""

    offset_s: float
    """Sensor clock less video clock at the video's first frame, seconds; NaN unknown."""
    drift_ppm: float
    """How much faster the sensor's clock runs, parts per million; NaN unknown."""
    drift_interval_ppm: tuple[float, float]
    """95 % interval of the drift; NaN unknown."""
    r: float
    """Correlation of the movements at this offset; NaN where the offset was given."""
    margin: float
    """`r` less that of the second peak; `r` itself where the search allowed no other."""
    evidence: float
    """Log likelihood ratio of this offset against the second peak."""
    overlap_s: float
    """Seconds that both sides know at this offset."""
    taps: int
    """Taps that both sides show at this offset; 0 where the offset was given."""
    interval_cv: float
    """Coefficient of variation of their intervals, that of the steadier side; NaN unknown."""
    tap_evidence: float
    """Log likelihood ratio of one movement against two unrelated ones, from the moments of the
    taps; NaN where the offset was given."""
    aligned_from_data: bool
    """Whether the offset was found from the movements (which flatters agreement of events)."""
    flag: str
    """'' or 'by_pattern' where it may be trusted, else the reason why not; see
    `tapscope.sync.trust.FLAG_MEANINGS`."""

    def to_video_time(self, sensor_s: FloatArray) -> FloatArray:
        """Turn sensor time into video time, seconds."""
        return (sensor_s - self.offset_s) / self._rate

    @property
    def is_trusted(self) -> bool:
        """Return whether single taps may be compared by this relation."""
        return self.flag in TRUSTED_FLAGS

    @property
    def drift_known(self) -> bool:
        """Return whether the drift is known."""
        return not math.isnan(self.drift_ppm)

    @property
    def _rate(self) -> float:
        return 1.0 + (self.drift_ppm * 1e-6 if self.drift_known else 0.0)


def from_cues(cues: Sequence[tuple[float, float]]) -> Synchronisation:
    """Relate the clocks by events seen in both, such as a clap.

    Parameters
    ----------
    cues
        (video time, sensor time) of each event, seconds. One gives the offset; of several over a
        minute apart the drift follows too, its interval from three.

    Raises
    ------
    ValueError
        No cue, or a time that is not finite.
    """
    times = np.array(cues, dtype=np.float64).reshape(-1, 2)
    if not len(times) or not np.isfinite(times).all():
        raise ValueError("from_cues: at least one pair of finite times is needed")
    video_s, offsets_s = times[:, 0], times[:, 1] - times[:, 0]
    if np.ptp(video_s) <= SETTINGS.drift_from_s:
        return given_offset(float(offsets_s.mean()))
    offset_s, slope, half = fit_line(video_s, offsets_s)
    ppm, half_ppm = 1e6 * slope, 1e6 * half
    return given_offset(offset_s, ppm, (ppm - half_ppm, ppm + half_ppm))


def given_offset(
    offset_s: float,
    drift_ppm: float = math.nan,
    drift_interval_ppm: tuple[float, float] = UNKNOWN_INTERVAL,
) -> Synchronisation:
    """Return the relation of clocks that the user states; nothing is aligned from the data."""
    return Synchronisation(
        offset_s=offset_s,
        drift_ppm=drift_ppm,
        drift_interval_ppm=drift_interval_ppm,
        r=math.nan,
        margin=math.nan,
        evidence=math.nan,
        overlap_s=math.nan,
        taps=0,
        interval_cv=math.nan,
        tap_evidence=math.nan,
        aligned_from_data=False,
        flag="",
    )


def no_overlap() -> Synchronisation:
    """Return the relation of clocks whose logs have nothing in common."""
    return Synchronisation(
        offset_s=math.nan,
        drift_ppm=math.nan,
        drift_interval_ppm=UNKNOWN_INTERVAL,
        r=math.nan,
        margin=math.nan,
        evidence=math.nan,
        overlap_s=0.0,
        taps=0,
        interval_cv=math.nan,
        tap_evidence=math.nan,
        aligned_from_data=True,
        flag="no_overlap",
    )


def fit_line(times_s: FloatArray, offsets_s: FloatArray) -> tuple[float, float, float]:
    """Return value at 0, slope and half its 95 % interval (NaN for two points)."""
    slope, offset_s = (float(each) for each in np.polyfit(times_s, offsets_s, 1))
    free = times_s.size - 2
    if free < 1:
        return offset_s, slope, math.nan
    residual = offsets_s - offset_s - slope * times_s
    error = math.sqrt(
        float(residual @ residual) / free / float(((times_s - times_s.mean()) ** 2).sum())
    )
    return offset_s, slope, float(student.ppf(0.975, free)) * error

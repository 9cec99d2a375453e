"""Strata: groups of recordings for which agreement is computed separately."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tapscope.compare.records import RecordingComparison

RATE_BANDS_HZ: Final = (2.0, 4.0, 6.0)
"""Borders of the bands of tapping rate; the rate is the sensor's."""

FRAME_RATES_HZ: Final = (15, 24, 25, 30, 50, 60, 90, 100, 120, 240)
MAX_LEVELS: Final = 8
"""Columns with more levels give no strata: they describe single recordings."""

WHOLE: Final = "all"


@dataclass(frozen=True, slots=True)
class Stratum:
    """The recordings of one level of a column."""

    name: str
    """'all' or 'column=level'."""
    recordings: tuple[RecordingComparison, ...]


def rate_band(rate_hz: float) -> str:
    """Return the band of a tapping rate, '' where it is unknown."""
    if not math.isfinite(rate_hz):
        return ""
    lower = 0.0
    for border in RATE_BANDS_HZ:
        if rate_hz < border:
            return f"{lower:g}-{border:g} Hz"
        lower = border
    return f"{lower:g} Hz and over"


def frame_rate_level(measured_fps: float) -> str:
    """Return the usual frame rate within 3 % of the measured one, else the rounded measured one."""
    if not math.isfinite(measured_fps) or measured_fps <= 0:
        return ""
    usual = min(FRAME_RATES_HZ, key=lambda rate: abs(math.log(measured_fps / rate)))
    near = abs(measured_fps / usual - 1) <= 0.03
    return f"{usual if near else round(measured_fps)} fps"


def split(recordings: Sequence[RecordingComparison]) -> tuple[list[Stratum], dict[str, str]]:
    """Return all recordings, then each level of each column with two or more levels.

    Returns
    -------
    strata
        'all' first; then by column in order of first appearance, its levels sorted.
    passed_over
        By column that gave no strata, the reason.
    """
    strata = [Stratum(WHOLE, tuple(recordings))]
    passed_over: dict[str, str] = {}
    columns = dict.fromkeys(name for each in recordings for name in each.strata)
    for column in columns:
        levels = _levels(recordings, column)
        if len(levels) < 2:
            passed_over[column] = f"only one level: {next(iter(levels))}"
        elif len(levels) > MAX_LEVELS:
            passed_over[column] = f"{len(levels)} levels, more than {MAX_LEVELS}"
        else:
            strata += [
                Stratum(f"{column}={level}", members) for level, members in sorted(levels.items())
            ]
    return strata, passed_over


def _levels(
    recordings: Sequence[RecordingComparison], column: str
) -> Mapping[str, tuple[RecordingComparison, ...]]:
    levels: dict[str, tuple[RecordingComparison, ...]] = {}
    for each in recordings:
        level = each.strata.get(column, "")
        if level:
            levels[level] = (*levels.get(level, ()), each)
    return levels

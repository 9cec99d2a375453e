"""Where the aperture turns: candidates for the widest moments of taps and for closures."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.ndimage import percentile_filter, uniform_filter1d

from tapscope.protocol.rules import TapRules
from tapscope.records import FloatArray
from tapscope.signal.smoothing import Movement, Stretch

_RANGE_POINTS_HZ: Final = 40.0
_RHYTHM_POWER: Final = 20.0
"""Power of a line, in variances of the signal, that noise alone never has."""
_SWING_SAMPLES: Final = 2.6
"""Samples that a swing lasts at least; a curve through few samples rings between them."""
_MIN_SAMPLES: Final = 3.0
"""Samples that a small tap lasts at least."""
_EDGE_SHARE: Final = 0.15
"""Share of its rise at which the width of a swing is taken."""
_WIDTHS: Final = (0.5, 1.8)
"""Widths of a small tap, in those of its large neighbours."""
_FILLED_SHARE: Final = 0.3
"""Least share of the time between two large taps that small ones between them take up."""


@dataclass(frozen=True, slots=True)
class Swing:
    """One rise and fall of the aperture; indices on the grid of its stretch."""

    stretch: int
    """Number of the stretch."""
    before: int
    """Least aperture before the peak."""
    peak: int
    after: int
    """Least aperture after the peak."""
    peak_s: float
    """Moment of the peak, seconds."""
    rise: float
    """Height of the peak over the mean of both sides, in the smoothed aperture."""


def swings_of(movement: Movement, rules: TapRules) -> list[Swing]:
    """Return every rise and fall that is large enough for a tap, in order of time.

    Large enough is a share of the range of movement around it, so that a decrement is followed and
    a tremor on a slow tap is passed over. Between two large swings smaller ones count as well
    where they are as wide as those and fill the time between them.
    """
    ranges = [_local_range(movement, stretch, rules) for stretch in movement.stretches]
    floor = _floor(movement, ranges, rules)
    rate_hz = movement.sampling_rate_hz
    found = []
    for number, (stretch, local_range) in enumerate(zip(movement.stretches, ranges, strict=True)):
        threshold = np.maximum(rules.swing_share * local_range, floor)
        triples = _swings(stretch.smoothed, threshold)
        least = np.maximum(rules.small_swing_share * local_range, floor)
        shortest_s = max(rules.min_interval_s, _MIN_SAMPLES / rate_hz)
        triples = _with_small_ones(stretch, triples, least, shortest_s)
        for before, peak, after in triples:
            if stretch.time_s[after] - stretch.time_s[before] < _SWING_SAMPLES / rate_hz:
                continue
            values = stretch.smoothed
            rise = float(values[peak] - (values[before] + values[after]) / 2)
            peak_s = float(stretch.time_s[peak])
            found.append(Swing(number, before, peak, after, peak_s, rise))
    return found


def _local_range(movement: Movement, stretch: Stretch, rules: TapRules) -> FloatArray:
    """Return the range of the movement around each moment of the grid, drift left out."""
    grid_hz = 1.0 / float(stretch.time_s[1] - stretch.time_s[0])
    step = max(int(grid_hz / _RANGE_POINTS_HZ), 1)
    few = stretch.aperture[::step]
    few_hz = grid_hz / step
    # a mean over two cycles holds nothing of the tapping, so it is the drift
    few = few - uniform_filter1d(few, int(2 * few_hz / movement.spectral_rate_hz) + 1)
    half_s = max(rules.window_s, 1.5 / movement.spectral_rate_hz)
    size = int(2 * half_s * few_hz) + 1
    high, low = (percentile_filter(few, share, size=size, mode="nearest") for share in (95, 5))
    return np.interp(stretch.time_s, stretch.time_s[::step], high - low)


def _floor(movement: Movement, ranges: list[FloatArray], rules: TapRules) -> float:
    """Return the least rise and fall that counts anywhere in the recording."""
    if not ranges:
        return float("nan")
    usual_range = float(np.percentile(np.concatenate(ranges), 75))
    least = rules.floor_share * usual_range
    # noise swings by five standard deviations within some seconds of rest and must not tap; yet
    # much noise must not hide taps grown small
    most = max(2 * least, rules.least_noise_multiple * movement.noise)
    floor = float(np.clip(rules.noise_multiple * movement.noise, least, most))
    if not movement.line_power > _RHYTHM_POWER:
        return floor
    # what fast taps leave unexplained at few frames a tap looks like noise and must not hide them
    return min(floor, rules.max_floor_share * usual_range)


def _swings(aperture: FloatArray, threshold: FloatArray) -> list[tuple[int, int, int]]:
    """Return valley, peak, valley of each swing that rises and falls by the threshold."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(aperture))) != 0) + 1
    turns = np.concatenate([[0], turns, [len(aperture) - 1]])
    valleys: list[int] = []
    peaks: list[int] = []
    low = high = int(turns[0])
    direction = 0
    for here in (int(turn) for turn in turns):
        if aperture[here] > aperture[high]:
            high = here
        if aperture[here] < aperture[low]:
            low = here
        if direction >= 0 and aperture[high] - aperture[here] > threshold[here]:
            peaks.append(high)
            direction, low, high = -1, here, here
        elif direction <= 0 and aperture[here] - aperture[low] > threshold[here]:
            valleys.append(low)
            direction, low, high = 1, here, here
    if direction < 0:
        valleys.append(low)
    # a stretch that begins open has a peak without a valley before it
    peaks = peaks[max(len(peaks) + 1 - len(valleys), 0) :]
    return list(zip(valleys[:-1], peaks, valleys[1:], strict=False))


def _with_small_ones(
    stretch: Stretch, large: list[tuple[int, int, int]], least: FloatArray, shortest_s: float
) -> list[tuple[int, int, int]]:
    """Add the small taps between large ones: as wide as they are, filling the time between."""
    if len(large) < 2:
        return large
    spans = [_span(stretch.smoothed, *swing) for swing in large]
    usual = float(np.median([last - first for first, last in spans]))

    def between(part: tuple[int, int]) -> list[tuple[int, int, int]]:
        small = _small_ones(stretch, part, usual, least)
        # what a curve through few samples swings between them is no tap
        lengths_s = [stretch.time_s[after] - stretch.time_s[before] for before, _, after in small]
        return small if min(lengths_s, default=0.0) >= shortest_s else []

    result = [large[0]]
    for ((_, begin), (end, _)), following in zip(pairwise(spans), large[1:], strict=True):
        right = following
        small = between((begin, end))
        if small:
            result[-1] = (result[-1][0], result[-1][1], small[0][0])
            right = (small[-1][2], right[1], right[2])
        result += [*small, right]
    if len(result) > len(large):
        # where small ones are between the large, one may come first or last
        reach = round(2 * usual)
        first, last = spans[0][0], spans[-1][1]
        end = min(last + reach, len(stretch.smoothed) - 1)
        head = between((max(first - reach, 0), first))[-1:]
        tail = between((last, end))[:1]
        result = [*head, *result, *tail]
    return result


def _small_ones(
    stretch: Stretch, part: tuple[int, int], usual: float, least: FloatArray
) -> list[tuple[int, int, int]]:
    """Return the swings within a part that are as wide as usual and fill it; none otherwise."""
    begin, end = part
    if end - begin <= _WIDTHS[0] * usual:
        return []
    inside = slice(begin, end + 1)
    small = [
        (before + begin, peak + begin, after + begin)
        for before, peak, after in _swings(stretch.smoothed[inside], least[inside])
    ]
    widths = [last - first for first, last in (_span(stretch.smoothed, *s) for s in small)]
    alike = all(_WIDTHS[0] * usual <= width <= _WIDTHS[1] * usual for width in widths)
    return small if alike and sum(widths) >= _FILLED_SHARE * (end - begin) else []


def _span(aperture: FloatArray, before: int, peak: int, after: int) -> tuple[int, int]:
    """Return first and last index of a swing at a share of its rise, looked for from its peak."""
    left, right = aperture[before : peak + 1], aperture[peak : after + 1]
    low = left <= left[0] + _EDGE_SHARE * (left[-1] - left[0])
    down = right <= right[-1] + _EDGE_SHARE * (right[0] - right[-1])
    return before + int(np.flatnonzero(low)[-1]), peak + int(np.flatnonzero(down)[0])

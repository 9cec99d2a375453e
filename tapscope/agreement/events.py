"""Agreement of single taps: one-to-one matching of their times, precision, recall, F1, timing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from tapscope.agreement.estimate import (
    NAN,
    NO_INTERVAL,
    Estimate,
    check_level,
    check_positive,
)
from tapscope.agreement.intervals import (
    effective_count,
    mean_interval,
    sd_interval,
    wilson_interval,
)
from tapscope.agreement.jackknife import jackknife_interval
from tapscope.agreement.pairs import as_vector
from tapscope.errors import ComparisonError
from tapscope.records import FloatArray

IndexArray = NDArray[np.int64]
CLOCK_ROUNDING_S = 1e-9
"""0.35 s - 0.30 s is slightly over 0.05 s in binary; no clock here resolves a nanosecond."""


@dataclass(frozen=True, slots=True)
class EventMatch:
    """Which times of video and sensor belong to the same tap, in one recording."""

    video_index: IndexArray
    """Index into the video's list of each matched tap, in order of time; shape (matched,)."""
    sensor_index: IndexArray
    """Index into the sensor's list of the same taps; shape (matched,)."""
    error_s: FloatArray
    """Video minus sensor time of each matched tap in seconds; shape (matched,)."""
    extra_index: IndexArray
    """Indices of the video's taps that have no partner; shape (extra,)."""
    missed_index: IndexArray
    """Indices of the sensor's taps that have no partner; shape (missed,)."""
    tolerance_s: float
    """Largest time between video and sensor of one tap, seconds."""
    n_dropped: int = 0
    """Times left out because they were NaN or infinite."""

    @property
    def matched(self) -> int:
        """Number of matched taps."""
        return self.error_s.size

    @property
    def extra(self) -> int:
        """Number of taps that only the video has."""
        return self.extra_index.size

    @property
    def missed(self) -> int:
        """Number of taps that only the sensor has."""
        return self.missed_index.size


def match_events(video_s: ArrayLike, sensor_s: ArrayLike, tolerance_s: float) -> EventMatch:
    """Match times one to one: as many pairs as possible, then the least total error.

    Of all matchings whose pairs are at most `tolerance_s` apart, those with the most pairs are
    kept; of these, one with the smallest sum of absolute time errors is returned, in order of
    time on both sides.

    Parameters
    ----------
    video_s, sensor_s
        Times in seconds on one clock, any order, shapes (video,) and (sensor,); those that are not
        finite are left out and counted.
    tolerance_s
        Largest time between matched taps in seconds, itself included.

    Returns
    -------
    EventMatch
        Indices refer to the lists as given.

    Raises
    ------
    ComparisonError
        If a list is not one-dimensional or the tolerance is not positive.
    """
    check_positive(tolerance_s, "tolerance in seconds")
    video, sensor = as_vector(video_s, "video tap"), as_vector(sensor_s, "sensor tap")
    video_order, sensor_order = _finite_order(video), _finite_order(sensor)
    rows, columns = _best_pairs(video[video_order], sensor[sensor_order], tolerance_s)
    video_index, sensor_index = video_order[rows], sensor_order[columns]
    return EventMatch(
        video_index,
        sensor_index,
        video[video_index] - sensor[sensor_index],
        np.setdiff1d(video_order, video_index),
        np.setdiff1d(sensor_order, sensor_index),
        tolerance_s,
        video.size + sensor.size - video_order.size - sensor_order.size,
    )


def _finite_order(times: FloatArray) -> IndexArray:
    order = np.argsort(times, kind="stable").astype(np.int64)
    return order[np.isfinite(times[order])]


def _best_pairs(
    video: FloatArray, sensor: FloatArray, tolerance_s: float
) -> tuple[IndexArray, IndexArray]:
    """Return the places of the best pairs of two sorted lists, by dynamic programming.

    Some best matching of two sorted lists never crosses, so this finds one exactly. For 4000 taps
    scipy.optimize.linear_sum_assignment takes five times as long, and its pairs may cross.
    """
    error = np.abs(video[:, None] - sensor[None, :])
    # One more pair outweighs the errors of all pairs together, each at most one tolerance.
    most = min(error.shape) + 2
    gain = np.where(error <= tolerance_s + CLOCK_ROUNDING_S, most - error / tolerance_s, -np.inf)
    best = np.zeros((video.size + 1, sensor.size + 1))
    for row in range(video.size):
        taken = np.maximum(best[row, 1:], best[row, :-1] + gain[row])
        best[row + 1, 1:] = np.maximum.accumulate(taken)
    rows, columns = [], []
    row, column = video.size, sensor.size
    while row and column:
        if best[row, column] == best[row - 1, column]:
            row -= 1
        elif best[row, column] == best[row, column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            rows.append(row)
            columns.append(column)
    return np.array(rows[::-1], dtype=np.int64), np.array(columns[::-1], dtype=np.int64)


def event_agreement(
    matches: Sequence[EventMatch], confidence_level: float = 0.95
) -> list[Estimate]:
    """Summarise the matched taps of one recording or of several.

    Parameters
    ----------
    matches
        One for each recording, all with the same tolerance; their taps are pooled.
    confidence_level
        Of the intervals.

    Returns
    -------
    list of Estimate
        matched, missed, extra (counts); precision = matched / video, recall = matched / sensor,
        f1 = 2 matched / (video + sensor), 0 to 1, with Wilson intervals (f1 through the share of
        matched among all taps, of which it is a rising function) widened for recordings;
        timing_bias_s, timing_median_absolute_s, timing_sd_s, video minus sensor. NaN where a
        share has no taps in its denominator or fewer than two taps match.

    Raises
    ------
    ComparisonError
        If `matches` is empty or their tolerances differ.
    """
    check_level(confidence_level)
    tolerances = {match.tolerance_s for match in matches}
    if len(tolerances) != 1:
        raise ComparisonError(
            f"taps matched in tolerances {sorted(tolerances)} cannot be pooled: match all "
            "recordings in one tolerance"
        )
    rule = f"one-to-one matching within {1000 * tolerances.pop():g} ms"
    counts = np.array([(m.matched, m.missed, m.extra) for m in matches], dtype=np.float64)
    dropped = sum(match.n_dropped for match in matches)
    errors = [match.error_s for match in matches]
    return [
        *_count_estimates(counts, rule, dropped, confidence_level),
        *_share_estimates(counts, rule, dropped, confidence_level),
        *_timing_estimates(errors, rule, dropped, confidence_level),
    ]


def _count_estimates(counts: FloatArray, rule: str, dropped: int, level: float) -> list[Estimate]:
    totals = counts.sum(axis=0)
    return [
        Estimate(name, total, NAN, NAN, level, rule, int(totals.sum()), n_dropped=dropped)
        for name, total in zip(("matched", "missed", "extra"), totals.tolist(), strict=True)
    ]


def _share_estimates(counts: FloatArray, rule: str, dropped: int, level: float) -> list[Estimate]:
    matched, missed, extra = counts.T
    estimates = []
    for name, totals in (
        ("precision", matched + extra),
        ("recall", matched + missed),
        ("f1", matched + missed + extra),
    ):
        method, total = f"{rule}; Wilson interval", int(totals.sum())
        if not total:
            note = f"{method}; undefined: no taps"
            estimates.append(Estimate(name, NAN, NAN, NAN, level, note, 0, n_dropped=dropped))
            continue
        share = float(matched.sum()) / total
        effective = effective_count(matched, totals)
        if len(counts) > 1:
            method += f", design effect {total / effective:.3g} for recordings (Rao & Scott 1992)"
        ends = (share, *wilson_interval(share, effective, level))
        value, low, high = (2 * s / (1 + s) for s in ends) if name == "f1" else ends
        estimates.append(Estimate(name, value, low, high, level, method, total, n_dropped=dropped))
    return estimates


def _timing_estimates(
    errors: list[FloatArray], rule: str, dropped: int, level: float
) -> list[Estimate]:
    pooled = np.concatenate(errors)
    timed = [error for error in errors if error.size]
    methods = {
        "timing_bias_s": f"mean of video minus sensor, {rule}",
        "timing_median_absolute_s": f"median of |video - sensor|, {rule}",
        "timing_sd_s": f"SD of video minus sensor, ddof = 1, {rule}",
    }
    if pooled.size < 2:
        return [
            Estimate(
                name, NAN, NAN, NAN, level, f"{method}; undefined: fewer than 2 matched taps",
                pooled.size, n_dropped=dropped,
            )
            for name, method in methods.items()
        ]  # fmt: skip
    absolute = np.sort(np.abs(pooled))
    values = (float(pooled.mean()), float(np.median(absolute)), float(pooled.std(ddof=1)))
    median_ends = _median_interval(absolute, level)
    if len(timed) > 1:
        note = "jackknife over recordings, Student's t"
        bias_ends = jackknife_interval(values[0], _left_out(timed, np.mean), level)
        sd_ends = jackknife_interval(values[2], _left_out(timed, _sample_sd), level, "positive")
    else:
        note = "t and chi-square interval, taps independent"
        bias_ends = mean_interval(pooled, level)
        sd_ends = sd_interval(values[2], pooled.size - 1, level)
    notes = (note, "order statistics interval, taps independent", note)
    return [
        Estimate(name, value, *ends, level, f"{method}; {how}", pooled.size, n_dropped=dropped)
        for (name, method), value, ends, how in zip(
            methods.items(), values, (bias_ends, median_ends, sd_ends), notes, strict=True
        )
    ]


def _sample_sd(errors: FloatArray) -> float:
    return float(errors.std(ddof=1)) if errors.size > 1 else NAN


def _left_out(errors: list[FloatArray], statistic: Callable[[FloatArray], float]) -> FloatArray:
    """Return the statistic without each recording in turn; shape (recordings,)."""
    return np.array(
        [
            statistic(np.concatenate([*errors[:place], *errors[place + 1 :]]))
            for place in range(len(errors))
        ]
    )


def _median_interval(ordered: FloatArray, level: float) -> tuple[float, float]:
    """Return the order statistics that enclose the median with at least this confidence."""
    place = int(stats.binom.ppf((1 - level) / 2, ordered.size, 0.5))
    if place < 1:
        return NO_INTERVAL
    return float(ordered[place - 1]), float(ordered[ordered.size - place])

"""Match the taps of one recording, and correlate the apertures, on the video's clock."""

import math
from typing import Final

import numpy as np

from tapscope.agreement import match_events
from tapscope.compare.alignment import closures
from tapscope.compare.records import SignalComparison, TapComparison
from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.sensors.trajectory import gap_from_s

_MIN_FRAMES: Final = 8


def compare_taps(
    video: Taps, sensor: Taps, span_s: tuple[float, float], tolerance_s: float
) -> TapComparison:
    """Match the taps of video and sensor by their closures.

    Parameters
    ----------
    video, sensor
        Taps on the video's clock.
    span_s
        Time that both sides recorded. Closures outside it are left out, and so are unmatched
        closures within the tolerance of its ends, whose partner may be outside.
    tolerance_s
        Largest time between matched closures, seconds.
    """
    video_s, sensor_s = (_inside(closures(taps), span_s) for taps in (video, sensor))
    match = match_events(video_s, sensor_s, tolerance_s)
    inner = span_s[0] + tolerance_s, span_s[1] - tolerance_s
    keep_video, keep_sensor = (
        np.delete(times, [place for place in alone if not inner[0] <= times[place] <= inner[1]])
        for times, alone in ((video_s, match.extra_index), (sensor_s, match.missed_index))
    )
    match = match_events(keep_video, keep_sensor, tolerance_s)
    partner = dict(
        zip(
            keep_video[match.video_index].tolist(),
            keep_sensor[match.sensor_index].tolist(),
            strict=True,
        )
    )
    begins = {
        (begin, end): place
        for place, (begin, end) in enumerate(
            zip(sensor.closure_s.tolist(), sensor.next_closure_s.tolist(), strict=True)
        )
    }
    both = [
        (place, begins[ends])
        for place, tap in enumerate(
            zip(video.closure_s.tolist(), video.next_closure_s.tolist(), strict=True)
        )
        if (ends := (partner.get(tap[0]), partner.get(tap[1]))) in begins
    ]
    return TapComparison(
        video=video,
        sensor=sensor,
        video_closure_s=keep_video,
        sensor_closure_s=keep_sensor,
        match=match,
        tap_of_video=tuple(place for place, _ in both),
        tap_of_sensor=tuple(place for _, place in both),
    )


def compare_signals(video: Trajectory, sensor: Trajectory) -> SignalComparison:
    """Compare the apertures at the video's frames, each scaled to its own 5th to 95th percentile.

    Parameters
    ----------
    video, sensor
        Apertures on the video's clock, any units. The sensor is interpolated linearly at the
        frames; frames in its gaps, outside it, or without an aperture are left out.
    """
    at_frames = _interpolated(sensor, video.time_s)
    known = np.isfinite(at_frames) & np.isfinite(video.aperture)
    time_s = video.time_s[known]
    first, second = _scaled(video.aperture[known]), _scaled(at_frames[known])
    if time_s.size < _MIN_FRAMES or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return SignalComparison(time_s, first, second, math.nan, math.nan)
    return SignalComparison(
        time_s,
        first,
        second,
        r=float(np.corrcoef(first, second)[0, 1]),
        rmse=float(np.sqrt(np.mean((first - second) ** 2))),
    )


def _inside(times_s: FloatArray, span_s: tuple[float, float]) -> FloatArray:
    return times_s[(times_s >= span_s[0]) & (times_s <= span_s[1])]


def _interpolated(sensor: Trajectory, time_s: FloatArray) -> FloatArray:
    known = np.isfinite(sensor.aperture)
    known_s, aperture = sensor.time_s[known], sensor.aperture[known]
    if known_s.size < 2:
        return np.full_like(time_s, np.nan)
    step_s = np.diff(known_s)
    place = np.clip(np.searchsorted(known_s, time_s) - 1, 0, step_s.size - 1)
    value = np.interp(time_s, known_s, aperture, left=np.nan, right=np.nan)
    return np.where(step_s[place] > gap_from_s(known_s), np.nan, value)


def _scaled(aperture: FloatArray) -> FloatArray:
    if not aperture.size:
        return aperture
    low, high = np.percentile(aperture, (5, 95))
    if high == low:
        return np.full_like(aperture, np.nan)
    scaled: FloatArray = (aperture - low) / (high - low)
    return scaled

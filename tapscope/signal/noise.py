"""The noise of one sample, separated from fast movement that few samples show."""

from dataclasses import replace
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.signal.smoothing import Movement
from tapscope.signal.tap_shape import TapShape, fit_taps

_QUIET_SAMPLES: Final = 11
"""Samples in a row that are quiet together."""
_QUIET_SHARE: Final = 0.1
"""The quietest share of a recording, where fingers rest or are held closed ..."""
_QUIET_FACTOR: Final = 0.615
"""... and the noise found there in white noise, over its true standard deviation."""
_MIN_TAPS: Final = 5
_MIN_SAMPLES: Final = 3
_USUAL_MOVING_SHARE: Final = 0.85


def noise_of(trajectory: Trajectory, movement: Movement, taps: Taps) -> float:
    """Return the standard deviation of the noise of one sample, in the unit of the trajectory.

    The least of three estimates, because movement can only make each of them larger:

    - what the smoothing takes for noise (`wiener.likely_noise`): right where there are many
      samples a tap; at fewer than about eight it holds the harmonics of the taps, too;
    - what the taps fitted together leave over (`tap_shape`), corrected for the numbers fitted:
      right for fast taps of one shape, too large where each has its own;
    - the second differences of the quietest tenth of the recording: right where the hand
      rests for a tenth of the time.

    Noise that follows the movement (blur) is a part of the first two. NaN where too little is
    known.
    """
    known = np.isfinite(trajectory.aperture)
    time_s, values = trajectory.time_s[known], trajectory.aperture[known]
    estimates = [movement.noise, _quiet_noise(time_s, values, movement.usual_gap_s)]
    shape = shape_of(trajectory, movement, taps)
    if shape is not None:
        estimates.append(shape.noise)
    finite = [estimate for estimate in estimates if np.isfinite(estimate)]
    return float(min(finite)) if finite else float("nan")


def shape_of(trajectory: Trajectory, movement: Movement, taps: Taps) -> TapShape | None:
    """Return the shape common to the taps; None with too few of them, or too few samples in each.

    Taps beside an unbridged gap are left out.
    """
    known = np.isfinite(trajectory.aperture)
    time_s, values = trajectory.time_s[known], trajectory.aperture[known]
    samples = np.searchsorted(time_s, taps.next_closure_s) - np.searchsorted(time_s, taps.closure_s)
    usual = np.isfinite(taps.amplitude) & (samples >= _MIN_SAMPLES)
    if len(taps):
        usual &= taps.interval_s < 1.6 * np.median(taps.interval_s)
    if usual.sum() < _MIN_TAPS:
        return None
    spans_s = np.stack([taps.closure_s[usual], taps.next_closure_s[usual]], axis=1)
    shape = fit_taps(time_s, values, spans_s, _USUAL_MOVING_SHARE)
    return replace(shape, tap=np.flatnonzero(usual)[shape.tap])


def _quiet_noise(time_s: FloatArray, values: FloatArray, usual_gap_s: float) -> float:
    """Return the noise in the quietest tenth of the recording, from second differences."""
    if len(values) < 2 * _QUIET_SAMPLES:
        return float("nan")
    bend = (values[:-2] - 2 * values[1:-1] + values[2:]) / np.sqrt(6)
    bend = bend[time_s[2:] - time_s[:-2] <= usual_gap_s]
    if len(bend) < 2 * _QUIET_SAMPLES:
        return float("nan")
    half = _QUIET_SAMPLES // 2
    # the filter's running sum may fall a rounding error below 0
    power = np.maximum(uniform_filter1d(bend**2, _QUIET_SAMPLES)[half:-half], 0)
    return float(np.sqrt(np.quantile(power, _QUIET_SHARE))) / _QUIET_FACTOR

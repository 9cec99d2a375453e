"""How fast one clock runs away from the other, over recordings of a minute and more."""

import numpy as np

from tapscope.signal.spectrum import parabola_peak
from tapscope.sync.clock_relation import fit_line
from tapscope.sync.motion_grid import GridMotion, correlation
from tapscope.sync.thresholds import SETTINGS


def fit_drift(
    video: GridMotion, sensor: GridMotion, offset_s: float
) -> tuple[float, float, tuple[float, float]] | None:
    """Fit a line to the offsets of windows; None where the drift would be too uncertain.

    Returns
    -------
    offset_s, drift_ppm, interval_ppm
        Offset at video time 0, slope and its 95 % interval.
    """
    width = int(SETTINGS.drift_window_s * SETTINGS.grid_hz)
    reach = int(SETTINGS.drift_reach_s * SETTINGS.grid_hz)
    centre = round(offset_s * SETTINGS.grid_hz)
    times_s: list[float] = []
    offsets_s: list[float] = []
    for start in range(video.first, video.last - width + 2, width):
        here = video.part(start, start + width)
        there = sensor.part(start + centre - reach, start + width + centre + reach)
        if not here.known.any() or not there.known.any():
            continue
        lag, r, overlap = correlation(here, there)
        allowed = (np.abs(lag - centre) <= reach) & (overlap > width / 2)
        best = int(np.argmax(np.where(allowed, r, -1.0)))
        if r[best] > SETTINGS.drift_min_r and abs(lag[best] - centre) < reach:
            shift, _ = parabola_peak(r, best)
            times_s.append((start + width / 2) / SETTINGS.grid_hz)
            offsets_s.append(float(lag[best] + shift) / SETTINGS.grid_hz)
    if len(times_s) < SETTINGS.drift_min_windows:
        return None
    at_zero_s, slope, half = fit_line(np.array(times_s), np.array(offsets_s))
    ppm, half_ppm = 1e6 * slope, 1e6 * half
    if not half_ppm <= SETTINGS.drift_max_interval_ppm:
        return None
    return at_zero_s, ppm, (ppm - half_ppm, ppm + half_ppm)

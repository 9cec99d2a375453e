"""Amplitude, speed, and how both change along the recording."""

import numpy as np
from scipy.stats import theilslopes

from tapscope.features.context import UNKNOWN, Context
from tapscope.records import FloatArray
from tapscope.signal import spectrum


def _known(values: FloatArray) -> FloatArray:
    """Return the values of the taps that have one: some were widest while the tips were hidden."""
    return values[np.isfinite(values)]


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else UNKNOWN


def _median(values: FloatArray) -> float:
    return float(np.median(values)) if len(values) else UNKNOWN


def _cv(values: FloatArray) -> float:
    return float(values.std(ddof=1) / values.mean()) if len(values) > 1 else UNKNOWN


def amplitude_mean(context: Context) -> float:
    """Return the mean amplitude."""
    return _mean(context.amplitude)


def amplitude_median(context: Context) -> float:
    """Return the median amplitude."""
    return _median(context.amplitude)


def amplitude_cv(context: Context) -> float:
    """Return the coefficient of variation of the amplitudes."""
    return _cv(context.amplitude)


def amplitude_max(context: Context) -> float:
    """Return the largest amplitude."""
    return float(context.amplitude.max()) if len(context.amplitude) else UNKNOWN


def amplitude_median_px(context: Context) -> float:
    """Return the median amplitude in pixels."""
    return amplitude_median(context) * context.acquisition.px_per_unit


def movement_range(context: Context) -> float:
    """Return the range of the aperture over the recording."""
    return context.range


def opening_speed_mean(context: Context) -> float:
    """Return the mean over taps of the mean opening speed."""
    return _mean(_known(context.taps.opening_speed_mean))


def opening_speed_peak(context: Context) -> float:
    """Return the mean over taps of the largest opening speed."""
    return _mean(_known(context.taps.opening_speed_peak))


def closing_speed_mean(context: Context) -> float:
    """Return the mean over taps of the mean closing speed."""
    return _mean(_known(context.taps.closing_speed_mean))


def closing_speed_peak(context: Context) -> float:
    """Return the mean over taps of the largest closing speed."""
    return _mean(_known(context.taps.closing_speed_peak))


def speed_cv(context: Context) -> float:
    """Return the coefficient of variation of the mean opening speeds."""
    return _cv(_known(context.taps.opening_speed_mean))


def cycle_speed(context: Context) -> float:
    """Return the mean over taps of amplitude over interval."""
    return _mean(_known(context.taps.amplitude / context.interval_s))


def sparc(context: Context) -> float:
    """Return the median over taps of the spectral arc length of the opening speed."""
    lengths = []
    for start_s, peak_s in zip(context.taps.closure_s, context.taps.peak_s, strict=True):
        for stretch in context.movement.stretches:
            inside = (stretch.time_s >= start_s) & (stretch.time_s <= peak_s)
            if inside.sum() > 3:
                step_s = float(stretch.time_s[1] - stretch.time_s[0])
                lengths.append(spectrum.spectral_arc_length(stretch.speed[inside], 1 / step_s))
    return _median(np.array(lengths))


def _slope_pct(values: FloatArray) -> float:
    """Return the Theil-Sen slope per tap in percent of the median; one value a tap, NaN unknown."""
    number = np.flatnonzero(np.isfinite(values))
    if len(number) < 3:
        return UNKNOWN
    known = values[number]
    return float(100 * theilslopes(known, number).slope / np.median(known))


def amplitude_slope(context: Context) -> float:
    """Return the change of amplitude per tap."""
    return _slope_pct(context.taps.amplitude)


def speed_slope(context: Context) -> float:
    """Return the change of the mean opening speed per tap."""
    return _slope_pct(context.taps.opening_speed_mean)


def interval_slope(context: Context) -> float:
    """Return the change of interval per tap."""
    return _slope_pct(context.interval_s)


def decrement_ratio(context: Context) -> float:
    """Return the mean amplitude of the last third of the taps over that of the first."""
    third = len(context.amplitude) // 3
    if third == 0:
        return UNKNOWN
    return float(context.amplitude[-third:].mean() / context.amplitude[:third].mean())


def decrement_onset_tap(context: Context) -> float:
    """Return the first tap (counted from 1) of three under 80 % of the mean of the first three.

    Taps of unknown amplitude are passed over, yet they have their number.
    """
    number, amplitude = np.flatnonzero(np.isfinite(context.taps.amplitude)), context.amplitude
    if len(amplitude) < 6:
        return UNKNOWN
    small = amplitude < 0.8 * amplitude[:3].mean()
    runs = small[:-2] & small[1:-1] & small[2:]
    return float(number[np.flatnonzero(runs)[0]] + 1) if runs.any() else UNKNOWN

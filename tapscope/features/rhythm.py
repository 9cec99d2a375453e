"""Rate and rhythm."""

import numpy as np

from tapscope.features.context import UNKNOWN, Context
from tapscope.signal import spectrum

_SPECTRUM_HZ = 60.0


def tap_count(context: Context) -> float:
    """Count the whole taps."""
    return float(len(context.taps))


def duration_s(context: Context) -> float:
    """Return the time from the first to the last sample of the recording."""
    return float(np.ptp(context.recording.time_s)) if len(context.recording.time_s) else UNKNOWN


def lead_in_s(context: Context) -> float:
    """Return the time from the first sample of the recording to the start of the task."""
    if len(context.recording.time_s) == 0:
        return UNKNOWN
    return context.task.start_s - float(context.recording.time_s[0])


def tapping_rate_hz(context: Context) -> float:
    """Return taps over the time they take; gaps between them do not count as time."""
    total_s = float(context.interval_s.sum())
    return len(context.taps) / total_s if total_s > 0 else UNKNOWN


def spectral_rate_hz(context: Context) -> float:
    """Return the strongest line of the spectrum of the task, found without the taps."""
    known = np.isfinite(context.trajectory.aperture)
    few_s, few = spectrum.decimate(
        context.trajectory.time_s[known], context.trajectory.aperture[known], _SPECTRUM_HZ
    )
    return spectrum.spectral_rate_hz(few_s, few)


def interval_mean(context: Context) -> float:
    """Return the mean interval."""
    return float(context.interval_s.mean()) if len(context.taps) else UNKNOWN


def interval_sd(context: Context) -> float:
    """Return the standard deviation of the intervals."""
    return float(context.interval_s.std(ddof=1)) if len(context.taps) > 1 else UNKNOWN


def interval_cv(context: Context) -> float:
    """Return the coefficient of variation of the intervals."""
    return interval_sd(context) / interval_mean(context)


def interval_median(context: Context) -> float:
    """Return the median interval."""
    return float(np.median(context.interval_s)) if len(context.taps) else UNKNOWN


def interval_iqr(context: Context) -> float:
    """Return the interquartile range of the intervals."""
    if len(context.taps) < 2:
        return UNKNOWN
    low, high = np.percentile(context.interval_s, [25, 75])
    return float(high - low)


def rhythm_entropy(context: Context) -> float:
    """Return the Shannon entropy of the intervals in bins of a tenth of their median, in bits."""
    if len(context.taps) < 5:
        return UNKNOWN
    bins = np.round(10 * context.interval_s / np.median(context.interval_s))
    _, counts = np.unique(bins, return_counts=True)
    return _entropy_bits(counts / counts.sum())


def spectral_entropy(context: Context) -> float:
    """Return the entropy of the power spectrum over that of white noise."""
    known = np.isfinite(context.trajectory.aperture)
    if not context.movement.stretches:
        return UNKNOWN
    time_s, aperture = spectrum.decimate(
        context.trajectory.time_s[known], context.trajectory.aperture[known], _SPECTRUM_HZ
    )
    top_hz = min(12.0, 0.5 * spectrum.median_rate_hz(time_s))
    frequency_hz = np.arange(0.3, top_hz, 1.0 / float(np.ptp(time_s)))
    if len(frequency_hz) < 2:
        return UNKNOWN
    power = spectrum.power_spectrum(time_s, aperture, frequency_hz)
    return _entropy_bits(power / power.sum()) / float(np.log2(len(power)))


def _entropy_bits(share: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    present = share[share > 0]
    return float(max(-np.sum(present * np.log2(present)), 0.0))


def autocorrelation_peak(context: Context) -> float:
    """Return the largest autocorrelation of the longest stretch about one interval later."""
    if len(context.taps) < 3:
        return UNKNOWN
    longest = max(context.movement.stretches, key=lambda stretch: len(stretch.time_s))
    time_s, aperture = spectrum.decimate(longest.time_s, longest.aperture, _SPECTRUM_HZ)
    period = float(np.median(context.interval_s)) * spectrum.median_rate_hz(time_s)
    first, last = int(0.5 * period), int(np.ceil(1.5 * period))
    if last >= len(aperture) // 2 or first < 1:
        return UNKNOWN
    return max(
        float(np.corrcoef(aperture[lag:], aperture[:-lag])[0, 1]) for lag in range(first, last + 1)
    )


def metronome_rate_error(context: Context) -> float:
    """Return the tapping rate less the metronome's."""
    if context.expected.metronome_rate_hz is None:
        return UNKNOWN
    return tapping_rate_hz(context) - context.expected.metronome_rate_hz

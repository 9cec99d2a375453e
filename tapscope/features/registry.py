"""The list of all features: the table, the data dictionary and the documentation iterate it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tapscope.features import amplitude, ending, halts, plausibility, quality, rhythm
from tapscope.features.context import Context


@dataclass(frozen=True, slots=True)
class Feature:
    """One number about a recording."""

    name: str
    """Name of its column."""
    unit: str
    """Unit; `{unit}` stands for the unit of the trajectory."""
    domain: str
    """What it is about: rate, amplitude, speed, rhythm, sequence, halts, quality."""
    formula: str
    """How it is computed, in words."""
    function: Callable[[Context], float]
    """Computes it; NaN where it cannot be known."""


_OPENING = "of the aperture from 10 to 90 % of the rise"
_CLOSING = "of the closing from 90 to 10 % of the fall"
_PER_TAP = "Theil-Sen slope over tap number, percent of the median per tap"

FEATURES: Final[tuple[Feature, ...]] = (
    Feature("tap_count", "1", "rate", "whole taps, closure to closure", rhythm.tap_count),
    Feature(
        "duration_s",
        "s",
        "rate",
        "last sample of the recording less the first",
        rhythm.duration_s,
    ),
    Feature(
        "task_start_s",
        "s",
        "rate",
        "where the first opening of the task begins, on the clock of the recording",
        lambda context: context.task.start_s,
    ),
    Feature(
        "task_end_s",
        "s",
        "rate",
        "where the last closing of the task ends, on the clock of the recording",
        lambda context: context.task.end_s,
    ),
    Feature(
        "task_duration_s",
        "s",
        "rate",
        "task_end_s less task_start_s; every feature but duration_s is that of the task",
        lambda context: context.task.end_s - context.task.start_s,
    ),
    Feature(
        "lead_in_s",
        "s",
        "rate",
        "task_start_s less the first sample of the recording",
        rhythm.lead_in_s,
    ),
    Feature(
        "tapping_rate_hz",
        "Hz",
        "rate",
        "taps / sum of their intervals = (closures - 1) / time from first to last closure",
        rhythm.tapping_rate_hz,
    ),
    Feature(
        "spectral_rate_hz",
        "Hz",
        "rate",
        "strongest line of the spectrum of the task's aperture on true time stamps, 0.3 to 12 Hz",
        rhythm.spectral_rate_hz,
    ),
    Feature(
        "metronome_rate_error_hz",
        "Hz",
        "rate",
        "tapping_rate_hz less the metronome's rate (paced protocols)",
        rhythm.metronome_rate_error,
    ),
    Feature(
        "amplitude_mean",
        "{unit}",
        "amplitude",
        "mean over taps of widest aperture less mean aperture at both closures; the hand length "
        "that is its unit follows the hand in time, so that a receding hand shows no decrement",
        amplitude.amplitude_mean,
    ),
    Feature(
        "amplitude_median", "{unit}", "amplitude", "median of the same", amplitude.amplitude_median
    ),
    Feature(
        "amplitude_cv", "1", "amplitude", "SD (n-1) / mean of the same", amplitude.amplitude_cv
    ),
    Feature("amplitude_max", "{unit}", "amplitude", "largest of the same", amplitude.amplitude_max),
    Feature(
        "amplitude_median_px",
        "px",
        "amplitude",
        "amplitude_median times hand_px (or pixels a millimetre)",
        amplitude.amplitude_median_px,
    ),
    Feature(
        "range",
        "{unit}",
        "amplitude",
        "95th less 5th percentile of the aperture",
        amplitude.movement_range,
    ),
    Feature(
        "opening_speed_mean",
        "{unit}/s",
        "speed",
        f"mean over taps of the mean speed {_OPENING}",
        amplitude.opening_speed_mean,
    ),
    Feature(
        "opening_speed_peak_mean",
        "{unit}/s",
        "speed",
        "mean over taps of the largest opening speed",
        amplitude.opening_speed_peak,
    ),
    Feature(
        "closing_speed_mean",
        "{unit}/s",
        "speed",
        f"mean over taps of the mean speed {_CLOSING}",
        amplitude.closing_speed_mean,
    ),
    Feature(
        "closing_speed_peak_mean",
        "{unit}/s",
        "speed",
        "mean over taps of the largest closing speed",
        amplitude.closing_speed_peak,
    ),
    Feature("speed_cv", "1", "speed", "SD (n-1) / mean of opening speeds", amplitude.speed_cv),
    Feature(
        "cycle_speed",
        "{unit}/s",
        "speed",
        "mean over taps of amplitude / interval",
        amplitude.cycle_speed,
    ),
    Feature(
        "inter_tap_interval_mean_s", "s", "rhythm", "mean closure to closure", rhythm.interval_mean
    ),
    Feature("inter_tap_interval_sd_s", "s", "rhythm", "SD (n-1)", rhythm.interval_sd),
    Feature("inter_tap_interval_cv", "1", "rhythm", "SD (n-1) / mean", rhythm.interval_cv),
    Feature("inter_tap_interval_median_s", "s", "rhythm", "median", rhythm.interval_median),
    Feature(
        "inter_tap_interval_iqr_s", "s", "rhythm", "75th less 25th percentile", rhythm.interval_iqr
    ),
    Feature(
        "rhythm_entropy",
        "bit",
        "rhythm",
        "Shannon entropy of the intervals in bins of a tenth of their median",
        rhythm.rhythm_entropy,
    ),
    Feature(
        "spectral_entropy",
        "1",
        "rhythm",
        "Shannon entropy of the power spectrum 0.3 to 12 Hz over that of white noise",
        rhythm.spectral_entropy,
    ),
    Feature(
        "autocorrelation_peak",
        "1",
        "rhythm",
        "largest autocorrelation of the aperture at 0.5 to 1.5 median intervals",
        rhythm.autocorrelation_peak,
    ),
    Feature(
        "sparc",
        "1",
        "rhythm",
        "median over taps of the spectral arc length of the speed from closure to peak "
        "(doi:10.1186/s12984-015-0090-9)",
        amplitude.sparc,
    ),
    Feature(
        "amplitude_slope_pct_per_tap",
        "%",
        "sequence",
        f"amplitude: {_PER_TAP}",
        amplitude.amplitude_slope,
    ),
    Feature(
        "amplitude_decrement_ratio",
        "1",
        "sequence",
        "mean amplitude of the last third of the taps / of the first third",
        amplitude.decrement_ratio,
    ),
    Feature(
        "speed_slope_pct_per_tap",
        "%",
        "sequence",
        f"opening speed: {_PER_TAP}",
        amplitude.speed_slope,
    ),
    Feature(
        "interval_slope_pct_per_tap",
        "%",
        "sequence",
        f"interval: {_PER_TAP}",
        amplitude.interval_slope,
    ),
    Feature(
        "decrement_onset_tap",
        "1",
        "sequence",
        "first of three taps on end under 80 % of the mean amplitude of the first three",
        amplitude.decrement_onset_tap,
    ),
    Feature(
        "hesitation_count",
        "1",
        "halts",
        "closed phases over the usual one by more than the median interval, taps otherwise longer "
        "than twice the median, interrupted openings; a pause between two taps counts once",
        halts.hesitation_count,
    ),
    Feature(
        "halt_count",
        "1",
        "halts",
        "times of 0.5 s or more, and over twice the tapper's usual ones in the same phase, with a "
        "speed under half the range (or usual amplitude) a second; a terminal halt of a tapper who "
        "stops early counts",
        halts.halt_count,
    ),
    Feature("longest_halt_s", "s", "halts", "longest of them, 0 = none", halts.longest_halt_s),
    Feature(
        "freeze_share",
        "1",
        "halts",
        "halts / time from first to last closure, or to the end of the terminal halt",
        halts.freeze_share,
    ),
    Feature(
        "stopped_early_s",
        "s",
        "halts",
        "expected time less time tapped, or missing taps times the median interval, where the hand "
        "rests in view before what the protocol expects was reached; else 0",
        ending.stopped_early_s,
    ),
    Feature(
        "tracked_frames_pct",
        "%",
        "quality",
        "samples of the task with a known aperture / all of its samples",
        quality.tracked_frames_pct,
    ),
    Feature(
        "longest_gap_s",
        "s",
        "quality",
        "longest time between known samples of the task",
        quality.longest_gap_s,
    ),
    Feature(
        "sampling_rate_hz",
        "Hz",
        "quality",
        "1 / median time between samples",
        lambda context: context.movement.sampling_rate_hz,
    ),
    Feature(
        "noise",
        "{unit}",
        "quality",
        "standard deviation of the noise of one sample, the least of three estimates: what "
        "smoothing takes for noise, what the shape common to the taps leaves over, second "
        "differences of the quietest tenth of the recording",
        quality.noise,
    ),
    Feature(
        "other_bouts_s",
        "s",
        "quality",
        "length of the bouts of tapping other than the task, all together",
        quality.other_bouts_s,
    ),
    Feature(
        "suspected_missed_taps",
        "1",
        "quality",
        "intervals that hold a second opening of 25 % of the median amplitude, or of 5 % where the "
        "interval is over 1.6 times the median of seven neighbours; and two or more intervals of "
        "1.7 to 2.3 times this median that are open for over 1.5 times as long as usual",
        plausibility.suspected_missed_taps,
    ),
    Feature(
        "open_closures",
        "1",
        "quality",
        "closures whose lowest sample is 30 % of the median amplitude above the lower quartile of "
        "the nine closures around it: the fingers are open, a tap may be counted twice",
        plausibility.open_closures,
    ),
    Feature(
        "peak_rate_hz",
        "Hz",
        "quality",
        "1 / mean time from widest aperture to widest aperture, gaps and pauses of over three "
        "median intervals left out",
        plausibility.peak_rate_hz,
    ),
    Feature(
        "robust_interval_cv",
        "1",
        "quality",
        "1.48 * median absolute deviation of the intervals / their median",
        plausibility.robust_interval_cv,
    ),
    Feature(
        "second_rate_hz",
        "Hz",
        "quality",
        "tapping rate, within the task, of the distance between thumb_ip and index_dip, the "
        "keypoints next to the tips; unknown where these are known in under 95 % of the frames",
        lambda context: context.acquisition.second_rate_hz,
    ),
    Feature(
        "median_confidence",
        "1",
        "quality",
        "median over the task's frames of the lower confidence of both tips",
        lambda context: context.acquisition.median_confidence,
    ),
    Feature(
        "mirror_agreement_pct",
        "%",
        "quality",
        "frames whose tips the network puts in the same places when it sees them mirrored / "
        "frames of the task seen both ways (one in sixteen)",
        lambda context: context.acquisition.mirror_agreement_pct,
    ),
    Feature(
        "measured_fps",
        "Hz",
        "quality",
        "new pictures a second by the time stamps; frames that repeat a picture do not count",
        lambda context: context.acquisition.measured_fps,
    ),
    Feature(
        "dropped_frames",
        "1",
        "quality",
        "frames missing by the time stamps",
        lambda context: context.acquisition.dropped_frames,
    ),
    Feature(
        "duplicate_frames",
        "1",
        "quality",
        "frames that repeat the picture or the time stamp of the one before; they are not measured",
        lambda context: context.acquisition.duplicate_frames,
    ),
    Feature(
        "hand_px",
        "px",
        "quality",
        "wrist to middle knuckle (90th percentile of each second, smooth in time), median over the "
        "task",
        lambda context: context.acquisition.hand_px,
    ),
    Feature(
        "blur_px",
        "px",
        "quality",
        "median smear of the tips within the task",
        lambda context: context.acquisition.blur_px,
    ),
)


def compute(context: Context) -> dict[str, float]:
    """Compute every feature of a recording, in the order of the registry; NaN = unknown."""
    return {feature.name: float(feature.function(context)) for feature in FEATURES}


def data_dictionary(unit: str, names: Iterable[str] | None = None) -> list[dict[str, str]]:
    """Describe the features (all, or those named) for trajectories in `unit`."""
    wanted = None if names is None else set(names)
    return [
        {
            "name": feature.name,
            "unit": feature.unit.replace("{unit}", unit),
            "domain": feature.domain,
            "formula": feature.formula,
        }
        for feature in FEATURES
        if wanted is None or feature.name in wanted
    ]

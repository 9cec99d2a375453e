"""Whether a recording can be trusted: how well the task was seen, and whether its taps fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tapscope.features.context import UNKNOWN, Context, Expected
from tapscope.features.ending import Ending
from tapscope.features.plausibility import LIMITS
from tapscope.protocol.rules import QualityRules
from tapscope.signal.noise import noise_of

Features = Mapping[str, float]


def tracked_frames_pct(context: Context) -> float:
    """Return the share of the task's samples whose aperture is known."""
    if len(context.trajectory.aperture) == 0:
        return UNKNOWN
    return float(100 * np.isfinite(context.trajectory.aperture).mean())


def longest_gap_s(context: Context) -> float:
    """Return the longest time between known samples, the ends of the task included."""
    time_s = context.trajectory.time_s
    known_s = time_s[np.isfinite(context.trajectory.aperture)]
    if len(known_s) == 0:
        return float(np.ptp(time_s)) if len(time_s) else UNKNOWN
    return float(np.diff(np.concatenate([time_s[:1], known_s, time_s[-1:]])).max())


def noise(context: Context) -> float:
    """Return the standard deviation of the noise of one sample."""
    return noise_of(context.recording, context.movement, context.taps)


def other_bouts_s(context: Context) -> float:
    """Return how long the bouts of tapping other than the task last together."""
    task = context.task
    return sum(
        (bout.end_s - bout.start_s for bout in task.bouts if bout.start_s != task.start_s), 0.0
    )


@dataclass(frozen=True, slots=True)
class Status:
    """The verdict on a recording."""

    status: Literal["ok", "doubtful", "failed"]
    """Whether the numbers can be used."""
    reason: str
    """In words, what decided; empty when ok."""
    flags: tuple[str, ...]
    """Codes of everything noticed."""


def quality_status(
    features: Features,
    rules: QualityRules,
    ending: Ending = "",
    least: Expected = Expected(),  # noqa: B008 - frozen
) -> Status:
    """Judge a recording by its features, which are those of the task.

    A missing (NaN) feature raises no flag of its own: a sensor has no frames and no hand. Flags
    that say something about the tapper, not about the measurement, leave the status alone.

    Parameters
    ----------
    features
        Values by name.
    rules
        The limits.
    ending
        See `task_ending`.
    least
        What would have been enough, see `least_expected`; named where the hand was lost before.
    """
    failed = {code: words for code, (raised, words) in _failures(features, rules).items() if raised}
    every_doubt = {
        **_doubts_of_sight(features, rules, ending, least),
        **_doubts_of_taps(features, rules),
    }
    doubted = {code: words for code, (raised, words) in every_doubt.items() if raised}
    noticed = {
        "several_bouts": features["other_bouts_s"] > 0 and "several_bouts" not in doubted,
        "stopped_early": ending == "stopped_early",
    }
    flags = (*failed, *doubted, *(code for code, raised in noticed.items() if raised))
    if failed:
        return Status("failed", "; ".join(failed.values()), flags)
    if doubted:
        return Status("doubtful", "; ".join(doubted.values()), flags)
    return Status("ok", "", flags)


def _beside(value: float, limit: float, decimals: int) -> str:
    """Return a value with so many decimals, or more where it would look the same as its limit."""
    while decimals < 6 and value != limit and f"{value:.{decimals}f}" == f"{limit:.{decimals}f}":
        decimals += 1
    return f"{value:.{decimals}f}"


def _tracked(features: Features, limit_pct: float) -> str:
    return (
        f"the tips are known in {_beside(features['tracked_frames_pct'], limit_pct, 1)} % of the "
        f"task's frames (limit {limit_pct:g} %)"
    )


def _failures(features: Features, rules: QualityRules) -> dict[str, tuple[bool, str]]:
    """Return what makes the numbers useless: whether it is so, and the words for it."""
    return {
        "untracked": (
            features["tracked_frames_pct"] < rules.min_tracked_pct,
            _tracked(features, rules.min_tracked_pct),
        ),
        "too_few_taps": (
            features["tap_count"] < rules.min_taps,
            f"{features['tap_count']:.0f} taps found (limit {rules.min_taps})",
        ),
    }


def _asked(least: Expected) -> str:
    """Return what the protocol asks for at least, in words."""
    parts = [f"{least.taps} taps"] if least.taps else []
    parts += [f"{least.duration_s:g} s"] if least.duration_s else []
    return " or ".join(parts)


def _doubts_of_sight(
    features: Features, rules: QualityRules, ending: Ending, least: Expected
) -> dict[str, tuple[bool, str]]:
    """Return doubts about how well the task was seen."""
    most_other_s = rules.max_other_bouts_share * features["task_duration_s"]
    return {
        "partly_untracked": (
            features["tracked_frames_pct"] < rules.good_tracked_pct,
            _tracked(features, rules.good_tracked_pct),
        ),
        "long_gap": (
            features["longest_gap_s"] > rules.max_gap_s,
            "nothing is known of the tips for "
            f"{_beside(features['longest_gap_s'], rules.max_gap_s, 2)} s within the task (limit "
            f"{rules.max_gap_s:g} s)",
        ),
        "low_confidence": (
            features["median_confidence"] < rules.min_median_confidence,
            "the median confidence of the tips is "
            f"{_beside(features['median_confidence'], rules.min_median_confidence, 2)} (limit "
            f"{rules.min_median_confidence:g})",
        ),
        "tips_disputed": (
            features["mirror_agreement_pct"] < rules.min_mirror_agreement_pct,
            "in the mirrored image the tips are in the same places in "
            f"{_beside(features['mirror_agreement_pct'], rules.min_mirror_agreement_pct, 0)} % of "
            f"the frames (limit {rules.min_mirror_agreement_pct:g} %)",
        ),
        "small_hand": (
            features["hand_px"] < rules.min_hand_px,
            f"the hand is {_beside(features['hand_px'], rules.min_hand_px, 0)} px long (limit "
            f"{rules.min_hand_px:g} px)",
        ),
        "hand_lost": (
            ending == "hand_lost",
            f"the hand is not seen after {features['task_end_s']:.1f} s, with "
            f"{features['tap_count']:.0f} taps in "
            f"{_beside(features['task_duration_s'], least.duration_s, 1)} s "
            f"(limit {_asked(least)})",
        ),
        "several_bouts": (
            features["other_bouts_s"] > most_other_s,
            "other bouts of tapping last "
            f"{_beside(features['other_bouts_s'], most_other_s, 1)} s, the one that is measured "
            f"{features['task_duration_s']:.1f} s (limit "
            f"{_beside(most_other_s, features['other_bouts_s'], 1)} s, "
            f"{100 * rules.max_other_bouts_share:g} % of it)",
        ),
    }


def _doubts_of_taps(features: Features, rules: QualityRules) -> dict[str, tuple[bool, str]]:
    """Return doubts about the taps themselves."""
    rate_hz, median_s = features["tapping_rate_hz"], features["inter_tap_interval_median_s"]
    disagreement, limit = _disagreement(features), _disagreement_limit(features, rules)
    peak_error_hz = abs(features["peak_rate_hz"] - rate_hz)
    second_error_hz = abs(features["second_rate_hz"] - rate_hz)
    fastest_hz = rules.nyquist_share * features["sampling_rate_hz"]
    return {
        "noisy": (
            features["noise"] > rules.max_noise_share * features["amplitude_median"],
            f"the tips jump about: noise of {features['noise']:.3g} for taps of "
            f"{features['amplitude_median']:.3g} (limit "
            f"{rules.max_noise_share * features['amplitude_median']:.3g}, "
            f"{100 * rules.max_noise_share:.3g} % of it)",
        ),
        "rate_near_nyquist": (
            rate_hz > fastest_hz,
            f"{_beside(rate_hz, fastest_hz, 1)} taps a second are too fast for "
            f"{features['sampling_rate_hz']:.0f} samples a second (limit "
            f"{_beside(fastest_hz, rate_hz, 1)})",
        ),
        "rate_disagrees": (
            disagreement > limit,
            f"taps ({rate_hz:.2f} Hz, {1 / median_s:.2f} Hz by the median interval) and spectrum "
            f"({features['spectral_rate_hz']:.2f} Hz) disagree by "
            f"{_beside(100 * disagreement, 100 * limit, 0)} % "
            f"(limit {_beside(100 * limit, 100 * disagreement, 0)} %)",
        ),
        "missed_taps": (
            features["suspected_missed_taps"] > rules.max_missed_taps,
            "the aperture opens more than once, or for twice as long as usual, in "
            f"{features['suspected_missed_taps']:.0f} intervals: taps may be missed (limit "
            f"{rules.max_missed_taps})",
        ),
        "closures_disagree": (
            peak_error_hz > rules.max_peak_rate_error_hz and not _has_pause(features),
            f"closures give {rate_hz:.2f} Hz, widest apertures {features['peak_rate_hz']:.2f} Hz: "
            f"{_beside(peak_error_hz, rules.max_peak_rate_error_hz, 2)} Hz apart (limit "
            f"{rules.max_peak_rate_error_hz:g} Hz)",
        ),
        "keypoints_disagree": (
            second_error_hz > rules.max_second_rate_error_hz,
            f"the tips tap at {rate_hz:.2f} Hz, the keypoints next to them at "
            f"{features['second_rate_hz']:.2f} Hz: "
            f"{_beside(second_error_hz, rules.max_second_rate_error_hz, 2)} Hz apart (limit "
            f"{rules.max_second_rate_error_hz:g} Hz)",
        ),
        "short_task": (
            features["task_duration_s"] < rules.min_duration_s
            and features["tap_count"] < rules.enough_taps,
            f"the task lasts {_beside(features['task_duration_s'], rules.min_duration_s, 1)} s "
            f"with {features['tap_count']:.0f} taps (limit {rules.min_duration_s:g} s or "
            f"{rules.enough_taps} taps)",
        ),
        "off_metronome": (
            abs(features["metronome_rate_error_hz"]) > rules.max_metronome_error_hz,
            f"the rate is {features['metronome_rate_error_hz']:+.2f} Hz off the metronome "
            f"(limit {rules.max_metronome_error_hz:g} Hz)",
        ),
    }


def _has_pause(features: Features) -> bool:
    """Return whether a halt is so long that `peak_rate_hz` leaves its interval out.

    A shorter one is in both rates, so that they can be held against each other.
    """
    usual_s = features["inter_tap_interval_median_s"]
    return features["longest_halt_s"] >= (LIMITS.pause_intervals - 1) * usual_s


def _disagreement(features: Features) -> float:
    """Return by what share the taps and the spectrum differ in the rate.

    Taps are asked for their median interval, because halts lower the mean rate but not the rhythm;
    yet a mean rate above the spectrum's is doubted, too: false taps raise it, halts cannot.
    """
    rhythm = abs(features["inter_tap_interval_median_s"] * features["spectral_rate_hz"] - 1)
    return max(rhythm, features["tapping_rate_hz"] / features["spectral_rate_hz"] - 1)


def _disagreement_limit(features: Features, rules: QualityRules) -> float:
    """Return how far both may differ: the strongest line of an irregular rhythm wanders.

    A tap that is counted twice makes the intervals irregular, too, but with open fingers between.
    """
    spread = features["robust_interval_cv"]
    if features["open_closures"] > rules.max_open_closures * features["tap_count"]:
        return rules.max_rate_disagreement
    by_spread = rules.disagreement_cvs * spread if np.isfinite(spread) else 0.0
    return max(rules.max_rate_disagreement, by_spread)

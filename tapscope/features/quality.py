"""Whether a recording can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tapscope.features.context import UNKNOWN, Context
from tapscope.protocol.rules import QualityRules


def tracked_frames_pct(context: Context) -> float:
    """Return the share of samples whose opening is known."""
    if len(context.trajectory.aperture) == 0:
        return UNKNOWN
    return float(100 * np.isfinite(context.trajectory.aperture).mean())


def longest_gap_s(context: Context) -> float:
    """Return the longest time between known samples, the ends of the recording included."""
    time_s = context.trajectory.time_s
    known_s = time_s[np.isfinite(context.trajectory.aperture)]
    if len(known_s) == 0:
        return float(np.ptp(time_s)) if len(time_s) else UNKNOWN
    return float(np.diff(np.concatenate([time_s[:1], known_s, time_s[-1:]])).max())


@dataclass(frozen=True, slots=True)
class Status:
    """The verdict on a recording."""

    status: Literal["ok", "doubtful", "failed"]
    """Whether the numbers can be used."""
    reason: str
    """In words, what decided; empty when ok."""
    flags: tuple[str, ...]
    """Codes of everything noticed."""


def quality_status(features: Mapping[str, float], rules: QualityRules) -> Status:
    """Judge a recording by its features.

    A missing (NaN) feature raises no flag of its own: a sensor has no frames and no hand.
    """
    failures = {
        "untracked": (
            features["tracked_frames_pct"] < rules.min_tracked_pct,
            f"the hand was followed in {features['tracked_frames_pct']:.0f} % of the frames "
            f"(least: {rules.min_tracked_pct:g} %)",
        ),
        "too_few_taps": (
            features["tap_count"] < rules.min_taps,
            f"{features['tap_count']:.0f} taps found (least: {rules.min_taps})",
        ),
    }
    doubts = {
        "partly_untracked": (
            features["tracked_frames_pct"] < rules.good_tracked_pct,
            f"the hand was followed in {features['tracked_frames_pct']:.0f} % of the frames",
        ),
        "long_gap": (
            features["longest_gap_s"] > rules.max_gap_s,
            f"nothing is known for {features['longest_gap_s']:.2f} s on end",
        ),
        "low_confidence": (
            features["median_confidence"] < rules.min_median_confidence,
            f"median confidence is {features['median_confidence']:.2f}",
        ),
        "tips_disputed": (
            features["mirror_agreement_pct"] < rules.min_mirror_agreement_pct,
            "seen mirrored, the tips are in other places in "
            f"{100 - features['mirror_agreement_pct']:.0f} % of the frames",
        ),
        "noisy": (
            features["noise"] > rules.max_noise_share * features["amplitude_median"],
            f"the tips jump about: noise of {features['noise']:.3g} for taps of "
            f"{features['amplitude_median']:.3g}",
        ),
        "rate_near_nyquist": (
            features["tapping_rate_hz"] > rules.nyquist_share * features["sampling_rate_hz"],
            f"{features['tapping_rate_hz']:.1f} taps a second are too fast for "
            f"{features['sampling_rate_hz']:.0f} samples a second",
        ),
        "rate_disagrees": (
            _disagreement(features) > rules.max_rate_disagreement,
            f"taps ({features['tapping_rate_hz']:.2f} Hz, "
            f"{1 / features['inter_tap_interval_median_s']:.2f} Hz by the median interval) and "
            f"spectrum ({features['spectral_rate_hz']:.2f} Hz) disagree",
        ),
        "short_recording": (
            features["duration_s"] < rules.min_duration_s,
            f"the recording lasts {features['duration_s']:.1f} s "
            f"(least: {rules.min_duration_s:g} s)",
        ),
        "small_hand": (
            features["hand_px"] < rules.min_hand_px,
            f"the hand is {features['hand_px']:.0f} px long (least: {rules.min_hand_px:g} px)",
        ),
        "off_metronome": (
            abs(features["metronome_rate_error_hz"]) > rules.max_metronome_error_hz,
            f"the rate is {features['metronome_rate_error_hz']:+.2f} Hz off the metronome",
        ),
    }
    failed = {code: words for code, (raised, words) in failures.items() if raised}
    doubted = {code: words for code, (raised, words) in doubts.items() if raised}
    flags = (*failed, *doubted)
    if failed:
        return Status("failed", "; ".join(failed.values()), flags)
    if doubted:
        return Status("doubtful", "; ".join(doubted.values()), flags)
    return Status("ok", "", flags)


def _disagreement(features: Mapping[str, float]) -> float:
    """Return by what share the taps and the spectrum differ in the rate.

    Taps are asked for their median interval, because halts lower the mean rate but not the rhythm;
    yet a mean rate above the spectrum's is doubted, too: false taps raise it, halts cannot.
    """
    rhythm = abs(features["inter_tap_interval_median_s"] * features["spectral_rate_hz"] - 1)
    return max(rhythm, features["tapping_rate_hz"] / features["spectral_rate_hz"] - 1)

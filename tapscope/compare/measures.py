"""Features of both sides, and which of them measure the same thing."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tapscope import features
from tapscope.compare.records import FeaturePair
from tapscope.protocol.protocol import Protocol
from tapscope.protocol.rules import TimeRules
from tapscope.records import Taps, Trajectory
from tapscope.signal import smoothing
from tapscope.signal.taps import taps_of
from tapscope.signal.task import find_task

SKIPPED: Final = frozenset({"duration_s", "metronome_rate_error_hz"})
"""The length of a log is no measure of tapping; the metronome's rate is not measured."""

FROM_CONTACTS: Final = frozenset(
    {
        "tap_count",
        "tapping_rate_hz",
        "inter_tap_interval_mean_s",
        "inter_tap_interval_sd_s",
        "inter_tap_interval_cv",
        "inter_tap_interval_median_s",
        "inter_tap_interval_iqr_s",
        "rhythm_entropy",
        "interval_slope_pct_per_tap",
    }
)
"""What an accelerometer, which sees contacts only, can tell."""

_UNITS: Final = {feature.name: feature.unit for feature in features.FEATURES}


def feature_names(protocol: Protocol) -> tuple[str, ...]:
    """Return the features to be compared, in the order of the registry."""
    wanted = set(protocol.features)
    return tuple(
        feature.name
        for feature in features.FEATURES
        if feature.domain != "quality"
        and feature.name not in SKIPPED
        and (not wanted or feature.name in wanted)
    )


def find_taps(trajectory: Trajectory, protocol: Protocol) -> Taps:
    """Find taps by the rules of a protocol, as in a video."""
    moved = smoothing.estimate(trajectory, protocol.smoothing, protocol.gaps)
    task = find_task(moved, protocol.taps, protocol.task)
    return taps_of(moved, trajectory, task, protocol.taps)


def compute(trajectory: Trajectory, taps: Taps, protocol: Protocol) -> dict[str, float]:
    """Compute every feature of a trajectory whose taps are known; NaN unknown."""
    moved = smoothing.estimate(trajectory, protocol.smoothing, protocol.gaps)
    return features.compute(features.Context(trajectory, moved, taps))


def within(trajectory: Trajectory, rules: TimeRules) -> Trajectory:
    """Return the part of a video's trajectory that the protocol analyses."""
    return between(trajectory, (rules.start_s, rules.start_s + rules.max_duration_s))


def between(trajectory: Trajectory, span_s: tuple[float, float]) -> Trajectory:
    """Return the samples of a trajectory within a span, ends included."""
    kept = (trajectory.time_s >= span_s[0]) & (trajectory.time_s <= span_s[1])
    return replace(trajectory, time_s=trajectory.time_s[kept], aperture=trajectory.aperture[kept])


def feature_pairs(
    video: Mapping[str, float],
    sensor: Mapping[str, float],
    video_unit: str,
    sensor_unit: str,
    protocol: Protocol,
) -> tuple[FeaturePair, ...]:
    """Pair the features that both sides know.

    Parameters
    ----------
    video, sensor
        Values by feature; NaN unknown.
    video_unit, sensor_unit
        Units of the apertures. Only distances in millimetres are the same quantity on both sides:
        an angle at the wrist is none of a finger's rotation, though both are in degrees.
    protocol
        Which features are wanted.
    """
    only_contacts = sensor_unit == "none"
    sensor_label = "deg of rotation" if sensor_unit == "deg" else sensor_unit
    video_label = "deg at the wrist" if video_unit == "deg" else video_unit.replace("_", " ")
    pairs = []
    for name in feature_names(protocol):
        values = video.get(name, math.nan), sensor.get(name, math.nan)
        if only_contacts and name not in FROM_CONTACTS:
            continue
        if math.isfinite(values[0]) and math.isfinite(values[1]):
            unit = _UNITS[name]
            pairs.append(
                FeaturePair(
                    name,
                    *values,
                    unit.replace("{unit}", video_label),
                    unit.replace("{unit}", sensor_label),
                )
            )
    return tuple(pairs)

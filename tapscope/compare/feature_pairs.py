"""Features of video and sensor, paired, with the unit of each side."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tapscope import features
from tapscope.compare.records import FeaturePair
from tapscope.protocol.protocol import Protocol
from tapscope.records import Taps, Trajectory
from tapscope.signal import smoothing
from tapscope.signal.taps import taps_of

SKIPPED: Final = frozenset({"duration_s", "metronome_rate_error_hz"})
"""Not compared: the duration depends on when the log was cut; the metronome is not measured."""

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
"""Features that need contacts only, all that an accelerometer measures."""

_UNITS: Final = {feature.name: feature.unit for feature in features.FEATURES}


def feature_names(protocol: Protocol) -> tuple[str, ...]:
    """Return the names of the features to compare, in the order of the registry."""
    wanted = set(protocol.features)
    return tuple(
        feature.name
        for feature in features.FEATURES
        if feature.domain != "quality"
        and feature.name not in SKIPPED
        and (not wanted or feature.name in wanted)
    )


def find_taps(trajectory: Trajectory, protocol: Protocol) -> Taps:
    """Find taps by the rules of a protocol, as for a video."""
    moved = smoothing.estimate(trajectory, protocol.smoothing, protocol.gaps)
    return taps_of(moved, trajectory, protocol.taps)


def compute(trajectory: Trajectory, taps: Taps, protocol: Protocol) -> dict[str, float]:
    """Compute every feature of a trajectory whose taps are known; NaN unknown."""
    moved = smoothing.estimate(trajectory, protocol.smoothing, protocol.gaps)
    return features.compute(features.Context(trajectory, moved, taps))


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
    """Pair the features that have a value on both sides.

    Parameters
    ----------
    video, sensor
        Values by feature; NaN unknown.
    video_unit, sensor_unit
        Units of the apertures. Only distances in millimetres are the same quantity on both sides;
        an angle at the wrist and a finger's rotation differ, though both are in degrees.
    protocol
        Its features are compared.
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

"""Features of video and sensor, paired, with the unit of each side."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tapscope import features
from tapscope.compare.alignment import taps_within
from tapscope.compare.records import FeaturePair
from tapscope.pipeline.tapping import Tapping, between, context_of, find_tapping
from tapscope.protocol.protocol import Protocol
from tapscope.records import Taps, Task, Trajectory

SKIPPED: Final = frozenset(
    {
        "duration_s",
        "task_start_s",
        "task_end_s",
        "lead_in_s",
        "metronome_rate_error_hz",
    }
)
"""How long a log is and when it begins is no measure of tapping; the metronome's rate is not
measured."""

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

OVER_TIME: Final = frozenset(
    {
        "tap_count",
        "task_duration_s",
        "hesitation_count",
        "halt_count",
        "longest_halt_s",
        "stopped_early_s",
        "decrement_onset_tap",
    }
)
"""Counts and durations: they grow with the time watched, so they are compared only over a time
that both sides saw. The tapping rate stands for the count of taps elsewhere."""

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


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured of one side."""

    taps: Taps
    features: Mapping[str, float]
    """Every feature; NaN unknown."""


def measure(
    trajectory: Trajectory,
    protocol: Protocol,
    span_s: tuple[float, float] = (-math.inf, math.inf),
    taps: Taps | None = None,
) -> Measured:
    """Measure a trajectory by the rules of a protocol, as a video is measured.

    Parameters
    ----------
    trajectory
        It is estimated once, the margin outside the span included.
    protocol
        The rules.
    span_s
        Only taps that lie wholly within it count, and the task is cut to it.
    taps
        Taken as they are (an accelerometer's contacts, the taps of a table); None: found here.
    """
    found = find_tapping(trajectory, protocol)
    kept = taps_within(found.taps if taps is None else taps, span_s)
    task = found.task
    if taps is not None and len(kept):
        task = Task(float(kept.closure_s[0]), float(kept.next_closure_s[-1]))
    task = replace(task, start_s=max(task.start_s, span_s[0]), end_s=min(task.end_s, span_s[1]))
    seen = between(trajectory, *span_s)
    context = context_of(Tapping(seen, found.movement, task, kept), protocol)
    return Measured(kept, features.compute(context))


def feature_pairs(
    video: Mapping[str, float],
    sensor: Mapping[str, float],
    video_unit: str,
    sensor_unit: str,
    protocol: Protocol,
    *,
    same_time: bool,
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
    same_time
        Both sides were measured over the same time; otherwise `OVER_TIME` is left out.
    """
    only_contacts = sensor_unit == "none"
    sensor_label = "deg of rotation" if sensor_unit == "deg" else sensor_unit
    video_label = "deg at the wrist" if video_unit == "deg" else video_unit.replace("_", " ")
    pairs = []
    for name in feature_names(protocol):
        values = video.get(name, math.nan), sensor.get(name, math.nan)
        if only_contacts and name not in FROM_CONTACTS:
            continue
        if not same_time and name in OVER_TIME:
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

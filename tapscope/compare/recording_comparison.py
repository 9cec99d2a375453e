"""Compare one recording with its sensor log: read both, align, pair features, taps and signals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tapscope.compare import feature_pairs
from tapscope.compare.alignment import (
    SensorMotion,
    align,
    common_span,
    read_sensor,
    taps_within,
)
from tapscope.compare.comparison_jobs import Job
from tapscope.compare.records import (
    FeaturePair,
    RecordingComparison,
    SignalComparison,
    TapComparison,
)
from tapscope.compare.strata import frame_rate_level, rate_band
from tapscope.compare.taps_and_signals import compare_signals, compare_taps
from tapscope.errors import SensorError
from tapscope.pipeline.result_reader import VideoRow, VideoTable, read_taps, read_tracks
from tapscope.pipeline.tapping import between, within
from tapscope.protocol.protocol import Protocol
from tapscope.records import Taps, Trajectory
from tapscope.sensors import SensorRecording
from tapscope.sensors.plausibility import doubts
from tapscope.sync.trust import FLAG_MEANINGS

_MARGIN_S: Final = 1.0
"""Sensor signal kept beyond the video, so that taps at its ends are found."""
_LONGEST_LOG: Final = 3.0
"""Most times the video's duration that a log may last where the clocks are not known."""

VIDEO_FACTS: Final = (
    "status",
    "measured_fps",
    "dropped_frames",
    "duplicate_frames",
    "longest_gap_s",
    "tracked_frames_pct",
    "tap_count",
)


@dataclass(frozen=True, slots=True)
class StudySettings:
    """What all recordings of a study share."""

    table: VideoTable
    sensor_folder: Path
    protocol: Protocol
    tolerance_s: float


@dataclass(frozen=True, slots=True)
class _Compared:
    features: tuple[FeaturePair, ...]
    taps: TapComparison | None
    signal: SignalComparison | None
    notes: tuple[str, ...]


def compare_recording(job: Job, settings: StudySettings) -> RecordingComparison:
    """Compare one recording with its sensor log.

    Where the clocks are not known to agree, only features are compared, over the whole log, and of
    these no counts and durations: video and log last unlike times.

    Raises
    ------
    SensorError
        The log cannot be used, or it is much longer than the video and the part that belongs to
        the video is unknown.
    ComparisonError
        The recording's tracks or taps cannot be used.
    """
    row, table = job.row, settings.table
    unit = row.cells.get("unit", "")
    video = read_tracks(table.file(row, ".tracks.csv"), unit)
    video = within(video, settings.protocol.time)
    video_taps = read_taps(table.file(row, ".taps.csv"))
    log = read_sensor(settings.sensor_folder, job.sensor_files)
    _check_hand(log, row, job.sensor_files)
    motion = align(video, log, job.clock)
    if motion.is_aligned:
        compared = _on_one_clock(job, settings, video, video_taps, motion)
    else:
        _check_length(video, motion, job.sensor_files)
        compared = _features_only(job, settings, video, motion)
    sync = motion.sync
    flag = () if sync is None or not sync.flag else (f"{sync.flag}: {FLAG_MEANINGS[sync.flag]}",)
    return RecordingComparison(
        recording=row.recording,
        sensor_files=job.sensor_files,
        participant_id=job.participant_id,
        strata=_strata(job, compared.features),
        features=compared.features,
        video_facts={name: row.cells.get(name, "") for name in VIDEO_FACTS},
        sensor_source=motion.trajectory.source,
        sensor_facts=_facts(log, motion.trajectory),
        sync=sync,
        taps=compared.taps,
        signal=compared.signal,
        video_taps=len(video_taps),
        notes=(*flag, *compared.notes, *doubts(log, motion.trajectory), *log.notes),
    )


def _on_one_clock(
    job: Job, settings: StudySettings, video: Trajectory, video_taps: Taps, motion: SensorMotion
) -> _Compared:
    span = common_span(video, motion)
    if not math.isfinite(span[0]):
        note = "video and log share no known time at this offset"
        plain = _features_only(job, settings, video, motion)
        return _Compared(plain.features, None, None, (note, *plain.notes))
    near = motion.on_video_clock((span[0] - _MARGIN_S, span[1] + _MARGIN_S))
    sensor = between(near, *span)
    measured = feature_pairs.measure(near, settings.protocol, span, _contacts(motion))
    seen = between(video, *span)
    notes = []
    video_values = {
        name: job.row.number(name) for name in feature_pairs.feature_names(settings.protocol)
    }
    covered = _covered_share(job.row, video, video_taps, span)
    if covered < 1.0:
        video_values = dict(
            feature_pairs.measure(video, settings.protocol, span, video_taps).features
        )
        notes.append(
            f"the log covers {100 * covered:.3g} % of the task; the video's features were "
            "computed anew over that part"
        )
    return _Compared(
        feature_pairs.feature_pairs(
            video_values,
            measured.features,
            video.unit,
            sensor.unit,
            settings.protocol,
            same_time=True,
        ),
        compare_taps(taps_within(video_taps, span), measured.taps, span, settings.tolerance_s),
        compare_signals(seen, sensor) if sensor.unit != "none" else None,
        tuple(notes),
    )


def _covered_share(
    row: VideoRow, video: Trajectory, taps: Taps, span: tuple[float, float]
) -> float:
    """Return the share of the task (of the video, where the table names none) within a span.

    The task goes from its first opening or closure, whichever is first, to the last closure.
    """
    first_s, last_s = row.number("task_start_s"), row.number("task_end_s")
    if not first_s < last_s:
        first_s, last_s = float(video.time_s[0]), float(video.time_s[-1])
    elif len(taps):
        first_s = min(first_s, float(taps.closure_s[0]))
        last_s = max(last_s, float(taps.next_closure_s[-1]))
    return max(min(last_s, span[1]) - max(first_s, span[0]), 0.0) / (last_s - first_s)


def _features_only(
    job: Job, settings: StudySettings, video: Trajectory, motion: SensorMotion
) -> _Compared:
    sensor = motion.trajectory
    values = feature_pairs.measure(sensor, settings.protocol, taps=_contacts(motion)).features
    video_s = job.row.number("task_duration_s")
    log_s = values["task_duration_s"]
    notes = [
        "the clocks are not known to agree: features of the whole log, counts and durations not "
        f"compared (the task lasts {_seconds(video_s)} in the video, {_seconds(log_s)} in the log)"
    ]
    if sensor.info.get("sign") == "assumed":
        notes.append("which way the sensor turns when the hand opens is assumed")
    names = feature_pairs.feature_names(settings.protocol)
    return _Compared(
        feature_pairs.feature_pairs(
            {name: job.row.number(name) for name in names},
            values,
            video.unit,
            sensor.unit,
            settings.protocol,
            same_time=False,
        ),
        None,
        None,
        tuple(notes),
    )


def _seconds(value_s: float) -> str:
    return f"{value_s:.1f} s" if math.isfinite(value_s) else "an unknown time"


def _contacts(motion: SensorMotion) -> Taps | None:
    """Return the taps of an accelerometer, which sees contacts only; None for other sensors."""
    if motion.trajectory.source == "accelerometer":
        return motion.contact_taps_on_video_clock()
    return None


def _check_hand(log: SensorRecording, row: VideoRow, files: Sequence[str]) -> None:
    """Refuse a log of the other hand.

    Raises
    ------
    SensorError
        The log and the recording name different hands.
    """
    if log.hand and row.hand and log.hand != row.hand:
        raise SensorError(
            f"{'; '.join(files)}: the log is of the {log.hand} hand, the recording of the "
            f"{row.hand} hand; correct the one that is wrong"
        )


def _check_length(video: Trajectory, motion: SensorMotion, files: Sequence[str]) -> None:
    """Refuse a log that is much longer than the video, where the clocks are not known.

    Raises
    ------
    SensorError
        It lasts more than `_LONGEST_LOG` times as long as the video.
    """
    log_s, video_s = float(np.ptp(motion.trajectory.time_s)), float(np.ptp(video.time_s))
    if log_s > _LONGEST_LOG * video_s:
        flag = motion.sync.flag if motion.sync is not None else ""
        why = f"{flag}: {FLAG_MEANINGS[flag]}" if flag else "the clocks were not related"
        raise SensorError(
            f"{'; '.join(files)}: lasts {log_s:.0f} s, the video {video_s:.0f} s, and which part "
            f"of the log belongs to it is not known ({why}). Give --offset or --sync-cue, or cut "
            "the log to the recording"
        )


def _strata(job: Job, pairs: Sequence[FeaturePair]) -> dict[str, str]:
    rate_hz = next((pair.sensor for pair in pairs if pair.feature == "tapping_rate_hz"), math.nan)
    levels = {
        "hand": job.row.hand,
        "rate": rate_band(rate_hz),
        "frame_rate": frame_rate_level(job.row.number("measured_fps")),
        "status": job.row.status,
        **job.strata,
    }
    return {name: level for name, level in levels.items() if level}


def _facts(log: SensorRecording, trajectory: Trajectory) -> dict[str, str]:
    known = np.isfinite(trajectory.aperture)
    return {
        "format": log.format,
        "device": log.device,
        "sampling_rate_hz": f"{trajectory.sampling_rate_hz:.4g}",
        "known_share": f"{float(known.mean()) if known.size else 0.0:.3f}",
        "repairs": ", ".join(f"{what}: {count}" for what, count in sorted(log.repairs.items())),
        **trajectory.info,
    }

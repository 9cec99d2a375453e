"""From the keypoints of one recording to its row of the table."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope import features
from tapscope.corrections.in_force import Corrections
from tapscope.hand import TIPS
from tapscope.output import table
from tapscope.output.columns import numeric_columns, quality_names
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.corrected import corrected_apertures, corrected_tapping
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.result_files import bouts_csv, keypoints_csv, taps_csv, tracks_csv
from tapscope.pipeline.tapping import Tapping, between, context_of, find_tapping, within
from tapscope.pipeline.tracking import Tracking, tracking_npz
from tapscope.protocol.protocol import Protocol
from tapscope.records import FloatArray, Keypoints, Trajectory, Unit
from tapscope.signal.aperture import Apertures
from tapscope.video.inspection import HARMLESS, Finding, findings_of
from tapscope.video.probe import VideoInfo
from tapscope.video.stream_summary import StreamSummary

_MIN_SECOND_SHARE: Final = 0.95
"""Share of the task's frames in which the keypoints next to the tips must be known to be asked."""
_SECOND_MARGIN_S: Final = 0.3
"""Time beyond the task in which their first and last closure are looked for."""


def measure(
    keypoints: Keypoints,
    info: VideoInfo,
    summary: StreamSummary,
    recording: Recording,
    protocol: Protocol,
    *,
    facts: Mapping[str, str],
) -> RecordingResult:
    """Turn the keypoints of a recording into its results.

    Parameters
    ----------
    keypoints
        Of the tapping hand, for every frame.
    info, summary
        Header, and result of decoding. Frames that repeat a picture are not measured: the time of
        the picture is that of its first frame.
    recording
        Calibration, metronome, slow motion and corrections, if there are any.
    protocol
        The measurement rules.
    facts
        Further facts to record.
    """
    tracking = Tracking(keypoints, info, summary, facts)
    found = measurement_of(tracking, recording, protocol)
    corrections, verdict, apertures = recording.corrections, found.verdict, found.apertures
    # Features of a failed recording are left out: in a mean over the column they would count.
    reported_columns = numeric_columns(protocol) if verdict.status != "failed" else quality_names()
    return RecordingResult(
        status=verdict.status,
        reason=verdict.reason,
        codes=verdict.flags,
        measures={
            **{name: table.rounded(found.numbers[name]) for name in reported_columns},
            "unit": found.tapping.trajectory.unit,
            "hand_choice": keypoints.info.get("hand_choice", ""),
            "task_ending": found.ending,
            "reviewed_by": corrections.rater if corrections else "",
            "corrections": corrections.count if corrections else None,
        },
        tracks=tracks_csv(found.keypoints, apertures, found.frames),
        taps=taps_csv(found.tapping.taps),
        bouts=bouts_csv(found.tapping.task),
        keypoints=keypoints_csv(found.keypoints, found.frames),
        tracking=tracking_npz(tracking),
        facts={
            **facts,
            **apertures.info,
            "decoder": summary.decoder,
            "decoder_reason": summary.decoder_reason,
            "passband_hz": f"{found.tapping.movement.passband_hz:.3g}",
        },
        frames=summary.decoded_frames,
    )


@dataclass(frozen=True, slots=True)
class Measurement:
    """What is measured in the keypoints of a recording."""

    keypoints: Keypoints
    """Of the frames that show a new picture, tips where a rater set them."""
    frames: NDArray[np.intp]
    """Their numbers among all decoded frames; shape (frames,)."""
    apertures: Apertures
    tapping: Tapping
    numbers: Mapping[str, float]
    """Every feature by name, NaN unknown."""
    ending: features.Ending
    verdict: features.Status


def measurement_of(tracking: Tracking, recording: Recording, protocol: Protocol) -> Measurement:
    """Measure what was tracked in a recording, with its corrections; see `measure`."""
    info, summary, corrections = tracking.info, tracking.summary, recording.corrections
    frames = np.setdiff1d(np.arange(len(tracking.keypoints.time_s)), summary.repeats)
    keypoints, apertures = corrected_apertures(
        tracking.keypoints.select(frames),
        frames,
        protocol,
        recording.px_per_mm or math.nan,
        corrections,
    )
    unit: Unit | None = "mm" if recording.px_per_mm else None
    trajectory = within(apertures.trajectory(unit), protocol.time)
    found = corrected_tapping(trajectory, protocol, corrections)
    context = context_of(
        found,
        protocol,
        _acquisition(keypoints, apertures, summary, found, protocol),
        recording.metronome_rate_hz,
    )
    numbers = features.compute(context)
    ending = features.task_ending(context)
    findings = [
        *findings_of(info, summary, speed_known=recording.slow_motion is not None),
        *_slow_tapping(numbers, recording, protocol),
        *_unused_corrections(recording),
    ]
    least = features.least_expected(context)
    verdict = judge(
        features.quality_status(numbers, protocol.quality, ending, least), keypoints, findings
    )
    return Measurement(
        keypoints,
        frames,
        apertures,
        found,
        numbers,
        ending,
        _as_reviewed(verdict, corrections),
    )


def _unused_corrections(recording: Recording) -> Iterator[Finding]:
    if recording.corrections_problem:
        yield Finding("corrections_unused", True, recording.corrections_problem)


def _as_reviewed(verdict: features.Status, corrections: Corrections | None) -> features.Status:
    """Return the status of a recording after a rater may have excluded it."""
    if corrections is None or not corrections.exclusion:
        return verdict
    reason = f"excluded by {corrections.rater}: {corrections.exclusion}"
    return features.Status("failed", reason, ("excluded", *verdict.flags))


def _slow_tapping(
    numbers: Mapping[str, float], recording: Recording, protocol: Protocol
) -> Iterator[Finding]:
    """Doubt tapping so slow that the file may be slow motion, unless somebody knows better."""
    is_paced = recording.metronome_rate_hz or protocol.metronome_rate_hz
    interval_s = numbers["inter_tap_interval_median_s"]
    least_hz = protocol.quality.min_rate_hz
    if recording.slow_motion is None and not is_paced and interval_s * least_hz > 1:
        yield Finding(
            "slow_motion_suspected",
            True,
            f"{1 / interval_s:.2f} taps a second (limit {least_hz:g}) are very slow tapping or a "
            "slow-motion recording: give its factor (--slow-motion, or the manifest's column "
            "slow_motion), or 1 if the speed is true",
        )


def judge(
    verdict: features.Status, keypoints: Keypoints, findings: Sequence[Finding]
) -> features.Status:
    """Add what was found about the video itself to the status of the numbers.

    What is serious for `inspect` makes a recording doubtful. The rest is only a flag, or nothing if
    it does no harm.
    """
    if len(keypoints.reason) and (keypoints.reason == "no_hand").all():
        return features.Status("failed", "no hand was found in any frame", ("no_hand",))
    if not findings:
        return verdict
    doubts = [found.text.rstrip(".") for found in findings if found.serious]
    reasons = [verdict.reason] if verdict.reason else []
    return features.Status(
        "doubtful" if doubts and verdict.status == "ok" else verdict.status,
        "; ".join([*reasons, *doubts]),
        tuple(
            dict.fromkeys([*verdict.flags, *(f.code for f in findings if f.code not in HARMLESS)])
        ),
    )


def _acquisition(
    keypoints: Keypoints,
    apertures: Apertures,
    summary: StreamSummary,
    found: Tapping,
    protocol: Protocol,
) -> features.Acquisition:
    """Return the facts of the images; what changes from frame to frame is that of the task."""
    tips = [keypoints.names.index(name) for name in TIPS]
    is_task = _frames_of_task(keypoints.time_s, found)
    hand_px = _median(apertures.hand_scale_px[is_task])
    unit = found.trajectory.unit
    return features.Acquisition(
        measured_fps=summary.measured_fps,
        dropped_frames=summary.dropped_frames,
        duplicate_frames=summary.duplicate_frames,
        median_confidence=_median(
            keypoints.confidence[:, tips].min(axis=1)[is_task & (keypoints.reason == "")]
        ),
        mirror_agreement_pct=100 * _mean(keypoints.agreement[is_task & (apertures.reason == "")]),
        hand_px=hand_px,
        blur_px=_median(keypoints.blur_px[is_task]),
        second_rate_hz=_second_rate_hz(apertures, is_task, protocol),
        px_per_unit=hand_px if unit == "hand_lengths" else apertures.px_per_unit(unit),
    )


def _frames_of_task(time_s: FloatArray, found: Tapping) -> NDArray[np.bool_]:
    """Return which frames belong to the task; where nothing taps, all that were analysed."""
    first_s, last_s = found.task.start_s, found.task.end_s
    if not math.isfinite(first_s) and len(found.trajectory.time_s):
        first_s, last_s = found.trajectory.time_s[[0, -1]]
    is_task: NDArray[np.bool_] = (time_s >= first_s) & (time_s <= last_s)
    return is_task


def _second_rate_hz(apertures: Apertures, is_task: NDArray[np.bool_], protocol: Protocol) -> float:
    """Return the tapping rate of the keypoints next to the tips; NaN where too little is known."""
    known = np.isfinite(apertures.second_px[is_task])
    if not len(known) or known.mean() < _MIN_SECOND_SHARE:
        return float("nan")
    first_s, last_s = apertures.time_s[is_task][[0, -1]]
    second = Trajectory(apertures.time_s, apertures.second_px, "px", "video")
    second = between(second, first_s - _SECOND_MARGIN_S, last_s + _SECOND_MARGIN_S)
    whole = replace(protocol, task=replace(protocol.task, find=False))
    taps = find_tapping(second, whole).taps
    return len(taps) / float(taps.interval_s.sum()) if len(taps) > 1 else float("nan")


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")

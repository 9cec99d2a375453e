"""One recording through all stages: video -> keypoints -> aperture -> taps -> features -> row.

The network's modules are imported in the worker, so that the process that only distributes the
work stays small.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tapscope import features
from tapscope.output import table
from tapscope.output.columns import numeric_columns, quality_names
from tapscope.pipeline.batch import Analyse
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.result_files import bouts_csv, taps_csv, tracks_csv
from tapscope.pipeline.tapping import Tapping, between, context_of, find_tapping, within
from tapscope.pipeline.workers import Report
from tapscope.protocol.protocol import Protocol
from tapscope.records import FloatArray, FrameBatch, Keypoints, Trajectory, Unit
from tapscope.signal.aperture import Apertures, from_keypoints
from tapscope.video.decoders import Decoder
from tapscope.video.inspection import HARMLESS, Finding, findings_of
from tapscope.video.probe import VideoInfo
from tapscope.video.stream import StreamSummary, VideoStream

if TYPE_CHECKING:
    from tapscope.network.engine import Engine

TIPS: Final = ("thumb_tip", "index_tip")

_MIN_SECOND_SHARE: Final = 0.95
"""Share of the task's frames in which the keypoints next to the tips must be known to be asked."""
_SECOND_MARGIN_S: Final = 0.3
"""Time beyond the task in which their first and last closure are looked for."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """Loads the network in a worker process; returns the function that analyses a recording."""

    weights: Path
    protocol: Protocol
    device: str
    threads: int
    """Threads for this worker on a CPU."""
    decoder: Decoder = "auto"

    def __call__(self) -> Analyse:
        """Load the network.

        Raises
        ------
        WeightsError
            The weights cannot be read, or a GPU is asked for and there is none.
        """
        os.environ.setdefault("OMP_NUM_THREADS", str(self.threads))  # read when torch is imported
        from tapscope.network.engine import make_engine  # noqa: PLC0415 - see the module's docstring
        from tapscope.network.weights import read  # noqa: PLC0415

        engine = make_engine(read(self.weights), self.device, self.threads)
        engine.measured  # noqa: B018 - weights without these keypoints fail here, not at every video

        def analyse(recording: Recording, report: Report) -> RecordingResult:
            return analyze_recording(recording, engine, self.protocol, report, self.decoder)

        return analyse


def analyze_recording(
    recording: Recording,
    engine: "Engine",
    protocol: Protocol,
    report: Report,
    decoder: Decoder = "auto",
) -> RecordingResult:
    """Analyse one recording from its video to its row of the table.

    Raises
    ------
    VideoError
        The video cannot be read.
    """
    from tapscope.pose.tracker import track_hand  # noqa: PLC0415 - see the module's docstring

    video = _TwoPasses(recording, decoder, report)
    keypoints = track_hand(
        video.frames, engine, hand=recording.hand, hand_source=recording.hand_source
    )
    facts = {"engine": engine.name}
    return measure(keypoints, video.info, video.summary, recording, protocol, facts=facts)


class _TwoPasses:
    """Decodes a video once for each pass, and reports half of the frames as done after the first.

    Decoding again costs far less than the network, and keeping the frames would need memory without
    bounds.
    """

    def __init__(self, recording: Recording, decoder: Decoder, report: Report) -> None:
        self._recording = recording
        self._decoder = decoder
        self._report = report
        self._done = 0
        self.info: VideoInfo
        self.summary: StreamSummary
        """Of the last pass."""

    def frames(self) -> Iterator[FrameBatch]:
        """Yield the video from its beginning."""
        before = self._done
        slow_motion = self._recording.slow_motion or 1.0
        with VideoStream(
            self._recording.path, decoder=self._decoder, slow_motion=slow_motion
        ) as stream:
            for batch in stream:
                yield batch
                self._done = before + len(batch) + batch.first_frame
                self._report(self._done // 2, stream.info.header_frames)
            self.info, self.summary = stream.info, stream.summary


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
        Calibration, metronome and slow motion, if they are known.
    protocol
        The measurement rules.
    facts
        Further facts to record.
    """
    frames = np.setdiff1d(np.arange(len(keypoints.time_s)), summary.repeats)
    keypoints = keypoints.select(frames)
    px_per_mm = recording.px_per_mm or float("nan")
    apertures = from_keypoints(keypoints, protocol.keypoints, px_per_mm)
    unit: Unit | None = "mm" if recording.px_per_mm else None
    trajectory = within(apertures.trajectory(unit), protocol.time)
    found = find_tapping(trajectory, protocol)
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
    ]
    least = features.least_expected(context)
    verdict = judge(
        features.quality_status(numbers, protocol.quality, ending, least), keypoints, findings
    )
    # Features of a failed recording are left out: in a mean over the column they would count.
    reported_columns = numeric_columns(protocol) if verdict.status != "failed" else quality_names()
    return RecordingResult(
        status=verdict.status,
        reason=verdict.reason,
        codes=verdict.flags,
        measures={
            **{name: table.rounded(numbers[name]) for name in reported_columns},
            "unit": trajectory.unit,
            "hand_choice": keypoints.info.get("hand_choice", ""),
            "task_ending": ending,
        },
        tracks=tracks_csv(keypoints, apertures, frames),
        taps=taps_csv(found.taps),
        bouts=bouts_csv(found.task),
        facts={
            **facts,
            **apertures.info,
            "decoder": summary.decoder,
            "decoder_reason": summary.decoder_reason,
            "passband_hz": f"{found.movement.passband_hz:.3g}",
        },
        frames=summary.decoded_frames,
    )


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

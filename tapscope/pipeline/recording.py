"""The one way through: video -> key points -> aperture -> taps -> features -> a row of the table.

The network's modules are imported where a worker prepares itself, so that the process that only
gives out the work stays small.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tapscope import features
from tapscope.output import table
from tapscope.output.columns import numeric_columns, quality_names
from tapscope.pipeline.batch import Analyse
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.recordings import Recording
from tapscope.pipeline.workers import Report
from tapscope.protocol.protocol import Protocol
from tapscope.protocol.rules import TimeRules
from tapscope.records import FloatArray, FrameBatch, Keypoints, Taps, Trajectory, Unit
from tapscope.signal import smoothing
from tapscope.signal.aperture import Apertures, from_keypoints
from tapscope.signal.taps import taps_of
from tapscope.video.stream import StreamSummary, VideoStream

if TYPE_CHECKING:
    from tapscope.network.engine import Engine

TIPS: Final = ("thumb_tip", "index_tip")


@dataclass(frozen=True, slots=True)
class Prepare:
    """Loads the network in a worker process; its call returns what analyses a recording."""

    weights: Path
    protocol: Protocol
    device: str
    threads: int
    """Threads for this worker on a CPU."""

    def __call__(self) -> Analyse:
        """Load the network.

        Raises
        ------
        WeightsError
            The weights cannot be read, or there is no GPU where one is asked for.
        """
        os.environ.setdefault("OMP_NUM_THREADS", str(self.threads))  # read when torch is imported
        from tapscope.network.engine import make_engine  # noqa: PLC0415 - see the module's docstring
        from tapscope.network.weights import read  # noqa: PLC0415

        engine = make_engine(read(self.weights), self.device, self.threads)
        engine.measured  # noqa: B018 - weights without these keypoints fail here, not at every video

        def analyse(recording: Recording, report: Report) -> RecordingResult:
            return analyze_recording(recording, engine, self.protocol, report)

        return analyse


def analyze_recording(
    recording: Recording, engine: "Engine", protocol: Protocol, report: Report
) -> RecordingResult:
    """Analyse one recording from its video to its row of the table.

    Raises
    ------
    VideoError
        The video cannot be read.
    """
    from tapscope.pose.tracker import track_hand  # noqa: PLC0415 - see the module's docstring

    video = _TwoPasses(recording.path, report)
    keypoints = track_hand(
        video.frames, engine, hand=recording.hand, hand_source=recording.hand_source
    )
    return measure(keypoints, video.summary, recording, protocol, {"engine": engine.name})


class _TwoPasses:
    """Decodes a video once for each pass, and reports half of the frames as done after the first.

    Decoding again costs far less than the network, and keeping the frames would need memory without
    bounds.
    """

    def __init__(self, path: Path, report: Report) -> None:
        self._path = path
        self._report = report
        self._done = 0
        self.summary: StreamSummary
        """Of the last pass."""

    def frames(self) -> Iterator[FrameBatch]:
        """Yield the video from its beginning."""
        before = self._done
        with VideoStream(self._path) as stream:
            for batch in stream:
                yield batch
                self._done = before + len(batch) + batch.first_frame
                self._report(self._done // 2, stream.info.header_frames)
            self.summary = stream.summary


def measure(
    keypoints: Keypoints,
    summary: StreamSummary,
    recording: Recording,
    protocol: Protocol,
    facts: Mapping[str, str],
) -> RecordingResult:
    """Turn the key points of a recording into its results.

    Parameters
    ----------
    keypoints
        Of the tapping hand, every frame.
    summary
        What decoding showed.
    recording
        Calibration and metronome, where they are known.
    protocol
        The rules.
    facts
        More for the record.
    """
    px_per_mm = recording.px_per_mm or float("nan")
    apertures = from_keypoints(keypoints, protocol.keypoints, px_per_mm)
    unit: Unit | None = "mm" if recording.px_per_mm else None
    trajectory = within(apertures.trajectory(unit), protocol.time)
    moved = smoothing.estimate(trajectory, protocol.smoothing, protocol.gaps)
    taps = taps_of(moved, trajectory, protocol.taps)
    context = features.Context(
        trajectory=trajectory,
        movement=moved,
        taps=taps,
        acquisition=_acquisition(keypoints, apertures, summary, trajectory.unit),
        metronome_rate_hz=recording.metronome_rate_hz or protocol.metronome_rate_hz,
    )
    numbers = features.compute(context)
    verdict = judge(features.quality_status(numbers, protocol.quality), keypoints, summary)
    # The numbers of a failed recording would pass for measures in any mean over the column.
    told = numeric_columns(protocol) if verdict.status != "failed" else quality_names()
    return RecordingResult(
        status=verdict.status,
        reason=verdict.reason,
        codes=verdict.flags,
        measures={
            **{name: table.rounded(numbers[name]) for name in told},
            "unit": trajectory.unit,
            "hand_choice": keypoints.info.get("hand_choice", ""),
        },
        tracks=tracks_csv(keypoints, apertures),
        taps=taps_csv(taps),
        facts={
            **facts,
            **apertures.info,
            "reader": summary.reader,
            "reader_reason": summary.reader_reason,
            "passband_hz": f"{moved.passband_hz:.3g}",
        },
        frames=summary.decoded_frames,
    )


def within(trajectory: Trajectory, rules: TimeRules) -> Trajectory:
    """Return the part of a trajectory that the protocol analyses."""
    time_s = trajectory.time_s
    part = (time_s >= rules.start_s) & (time_s <= rules.start_s + rules.max_duration_s)
    return Trajectory(
        time_s[part],
        trajectory.aperture[part],
        trajectory.unit,
        trajectory.source,
        trajectory.noise,
        trajectory.info,
    )


def judge(
    verdict: features.Status, keypoints: Keypoints, summary: StreamSummary
) -> features.Status:
    """Add to a verdict on the numbers what is wrong with the video itself."""
    if len(keypoints.reason) and (keypoints.reason == "no_hand").all():
        return features.Status("failed", "no hand was found in any frame", ("no_hand",))
    faults = {}
    if summary.truncated:
        faults["truncated"] = f"the end of the video is lost ({summary.truncated_reason})"
    if summary.damaged_packets:
        faults["damaged"] = f"{summary.damaged_packets} packets of the video are damaged"
    if not faults:
        return verdict
    reasons = [verdict.reason] if verdict.reason else []
    return features.Status(
        "failed" if verdict.status == "failed" else "doubtful",
        "; ".join([*reasons, *faults.values()]),
        (*verdict.flags, *faults),
    )


def _acquisition(
    keypoints: Keypoints, apertures: Apertures, summary: StreamSummary, unit: Unit
) -> features.Acquisition:
    tips = [keypoints.names.index(name) for name in TIPS]
    seen = keypoints.reason == ""
    return features.Acquisition(
        measured_fps=summary.measured_fps,
        dropped_frames=summary.dropped_frames,
        duplicate_frames=summary.duplicate_frames,
        median_confidence=_median(keypoints.confidence[:, tips].min(axis=1)[seen]),
        mirror_agreement_pct=100 * _mean(keypoints.agreement[apertures.reason == ""]),
        hand_px=apertures.hand_px,
        blur_px=_median(keypoints.blur_px),
        px_per_unit=apertures.px_per_unit(unit),
    )


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def tracks_csv(keypoints: Keypoints, apertures: Apertures) -> bytes:
    """Return the tracks file: one row a frame, empty cells where unknown."""
    columns = {
        "time_s": table.fixed(keypoints.time_s, 6),
        "frame": [str(n) for n in range(len(keypoints.time_s))],
    }
    for name in TIPS:
        place = keypoints.position_of(name)
        columns[f"{name}_x"] = table.fixed(place[:, 0], 3)
        columns[f"{name}_y"] = table.fixed(place[:, 1], 3)
    for name in TIPS:
        sure = keypoints.confidence[:, keypoints.names.index(name)]
        columns[f"{name}_confidence"] = table.fixed(sure, 3)
    columns["aperture_px"] = table.fixed(apertures.aperture_px, 3)
    columns["aperture_hand"] = table.fixed(apertures.aperture_hand, 5)
    columns["aperture_mm"] = table.fixed(apertures.aperture_mm, 3)
    columns["angle_deg"] = table.fixed(apertures.angle_deg, 3)
    columns["reason"] = apertures.reason.tolist()
    return table.csv_bytes(list(columns), zip(*columns.values(), strict=True))


def taps_csv(taps: Taps) -> bytes:
    """Return the taps file: one row a tap, closure to closure."""
    columns = {
        "tap": [str(n) for n in range(1, len(taps) + 1)],
        "closure_s": table.fixed(taps.closure_s, 6),
        "next_closure_s": table.fixed(taps.next_closure_s, 6),
        "peak_s": table.fixed(taps.peak_s, 6),
        "amplitude": _texts(taps.amplitude),
        "unit": [taps.unit] * len(taps),
        "opening_speed_mean": _texts(taps.opening_speed_mean),
        "opening_speed_peak": _texts(taps.opening_speed_peak),
        "closing_speed_mean": _texts(taps.closing_speed_mean),
        "closing_speed_peak": _texts(taps.closing_speed_peak),
        "interval_s": table.fixed(taps.interval_s, 6),
        "flags": taps.flags.tolist(),
    }
    return table.csv_bytes(list(columns), zip(*columns.values(), strict=True))


def _texts(values: FloatArray) -> list[str]:
    return [table.cell_text(table.rounded(value)) for value in values.tolist()]

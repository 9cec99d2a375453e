"""What is in a video file, and whether tapping can be measured from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapscope.video.probe import VideoInfo
from tapscope.video.stream import StreamSummary, VideoStream

RATE_TOLERANCE: Final = 0.98
"""29.97 frames a second pass for 30."""
FASTEST_TAPS: Final = 0.4 / 1.5
"""Taps per frame up to which a tapping rate is told safely."""
SERIOUS_SHARE: Final = 0.05
"""Share of frames missing or repeated from which the measures suffer."""
SERIOUS_GAP_S: Final = 0.25
"""A gap this long swallows a tap at the usual 4 Hz."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on whether a recording suits the measurement."""

    code: str
    """Short name, for programs: 'frame_rate_low', 'truncated' ..."""
    serious: bool
    """Whether the measures will suffer, as against a mere note."""
    text: str
    """The remark in plain English."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A video's header, what decoding it showed, and what follows."""

    info: VideoInfo
    summary: StreamSummary
    findings: tuple[Finding, ...]

    @property
    def suitable(self) -> bool:
        """Whether no finding is serious."""
        return not any(finding.serious for finding in self.findings)


def inspect_video(
    path: Path,
    min_fps: float = 30.0,
    min_duration_s: float = 0.0,
    max_duration_s: float = float("inf"),
    min_side_px: int = 240,
) -> Inspection:
    """Decode a video once and say whether tapping can be measured from it.

    Parameters
    ----------
    path
        The video file.
    min_fps
        Least measured frame rate, Hz; 2 % less passes.
    min_duration_s
        Least duration, seconds.
    max_duration_s
        Greatest duration, seconds.
    min_side_px
        Least length of the image's shorter side, pixels.

    Returns
    -------
    Inspection
        Header, decoding summary and findings, the serious ones first.

    Raises
    ------
    VideoError
        When the file is no video, or not one frame of it can be decoded.
    """
    with VideoStream(path) as stream:
        for _ in stream:
            pass
        info, summary = stream.info, stream.summary
    findings = (
        *_rate_findings(summary, min_fps),
        *_duration_findings(summary, min_duration_s, max_duration_s),
        *_frame_findings(summary),
        *_image_findings(info, min_side_px),
    )
    return Inspection(info, summary, tuple(sorted(findings, key=lambda found: not found.serious)))


def _rate_findings(summary: StreamSummary, min_fps: float) -> Iterator[Finding]:
    measured = summary.measured_fps
    if summary.decoded_frames < 2:
        yield Finding("one_frame", True, "The file holds a single frame: no movement to measure.")
        return
    if measured < RATE_TOLERANCE * min_fps:
        yield Finding(
            "frame_rate_low",
            True,
            f"{measured:.1f} frames a second, {min_fps:g} are wanted: "
            f"taps faster than {measured * FASTEST_TAPS:.1f} Hz cannot be told safely.",
        )
    if summary.variable_frame_rate:
        yield Finding(
            "frame_rate_variable",
            False,
            "The frame rate varies. Each frame's true time is used, so rates stay right.",
        )


def _duration_findings(
    summary: StreamSummary, min_duration_s: float, max_duration_s: float
) -> Iterator[Finding]:
    if summary.duration_s < min_duration_s:
        yield Finding(
            "too_short",
            True,
            f"{summary.duration_s:.1f} s long, {min_duration_s:g} s are wanted.",
        )
    if summary.duration_s > max_duration_s:
        yield Finding(
            "too_long",
            False,
            f"{summary.duration_s:.1f} s long, the protocol takes {max_duration_s:g} s: "
            "cut out the test, or expect other movement to be measured too.",
        )


def _frame_findings(summary: StreamSummary) -> Iterator[Finding]:
    if summary.truncated:
        yield Finding(
            "truncated", True, f"The end of the recording is lost: {summary.truncated_reason}."
        )
    if summary.damaged_packets:
        yield Finding(
            "damaged",
            True,
            f"{summary.damaged_packets} packets are damaged; "
            "the frames that rest on them are left out.",
        )
    if summary.dropped_frames:
        share = summary.dropped_frames / (summary.dropped_frames + summary.decoded_frames)
        yield Finding(
            "frames_dropped",
            share > SERIOUS_SHARE or summary.longest_interval_s > SERIOUS_GAP_S,
            f"{summary.dropped_frames} frames ({share:.1%}) are missing; "
            f"the longest gap lasts {summary.longest_interval_s:.3f} s.",
        )
    if summary.duplicate_frames:
        share = summary.duplicate_frames / summary.decoded_frames
        yield Finding(
            "frames_duplicated",
            share > SERIOUS_SHARE,
            f"{summary.duplicate_frames} frames ({share:.1%}) repeat the one before: "
            "the camera saw less often than the frame rate says, or nothing moved.",
        )
    if summary.backward_frames:
        yield Finding(
            "frames_out_of_order",
            False,
            f"{summary.backward_frames} frames are left out because their time "
            "does not lie after the one before.",
        )


def _image_findings(info: VideoInfo, min_side_px: int) -> Iterator[Finding]:
    if min(info.width, info.height) < min_side_px:
        yield Finding(
            "image_small",
            True,
            f"The image is {info.width} x {info.height}; "
            f"{min_side_px} or more pixels are wanted on the shorter side.",
        )
    if info.interlaced:
        yield Finding(
            "interlaced",
            False,
            "The image is interlaced: fast fingers show as combs. Record progressively.",
        )
    if info.mirrored:
        yield Finding(
            "mirrored",
            False,
            "The file asks to be shown mirrored, as front cameras do; it is read as shown. "
            "Check that left and right are right.",
        )
    if info.pixel_aspect != 1:
        yield Finding(
            "pixels_not_square",
            False,
            f"The stored pixels are {info.pixel_aspect:.3f} times as wide as high; "
            "the image is stretched so that distances are right.",
        )

"""Content of a video file, and whether tapping can be measured from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapscope.video.probe import VideoInfo
from tapscope.video.stream import StreamSummary, VideoStream

RATE_TOLERANCE: Final = 0.98
"""A lower frame rate by 2 % is accepted: 29.97 frames per second count as 30."""
MAX_TAPS_PER_FRAME: Final = 0.4 / 1.5
"""Faster tapping is not measured reliably."""
SERIOUS_SHARE: Final = 0.05
"""Above this share of missing or repeated frames the features become unreliable."""
SERIOUS_GAP_S: Final = 0.25
"""A gap this long hides a whole tap at the usual 4 Hz."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on whether a recording suits the measurement."""

    code: str
    """Short name, for programs: 'frame_rate_low', 'truncated' ..."""
    serious: bool
    """Whether the features become unreliable; else it is only a note."""
    text: str
    """The remark in plain English."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Header of a video, summary of decoding it, and findings."""

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
    """Decode a video once and check whether tapping can be measured from it.

    Parameters
    ----------
    path
        The video file.
    min_fps
        Lowest accepted frame rate, Hz, as measured; 2 % less is accepted.
    min_duration_s
        Shortest accepted duration, seconds.
    max_duration_s
        Longest accepted duration, seconds.
    min_side_px
        Shortest accepted length of the image's shorter side, pixels.

    Returns
    -------
    Inspection
        Header, decoding summary and findings, the serious ones first.

    Raises
    ------
    VideoError
        The file is no video, or no frame of it can be decoded.
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
            f"{measured:.1f} frames per second; at least {min_fps:g} are needed. "
            f"Tapping faster than {measured * MAX_TAPS_PER_FRAME:.1f} Hz is not measured reliably.",
        )
    if summary.variable_frame_rate:
        yield Finding(
            "frame_rate_variable",
            False,
            "The frame rate varies. The true time of each frame is used, so this does no harm.",
        )


def _duration_findings(
    summary: StreamSummary, min_duration_s: float, max_duration_s: float
) -> Iterator[Finding]:
    if summary.duration_s < min_duration_s:
        yield Finding(
            "too_short",
            True,
            f"{summary.duration_s:.1f} s long; at least {min_duration_s:g} s are needed.",
        )
    if summary.duration_s > max_duration_s:
        yield Finding(
            "too_long",
            False,
            f"{summary.duration_s:.1f} s long; the protocol analyses {max_duration_s:g} s. "
            "Cut the video to the test, or other movement may be measured too.",
        )


def _frame_findings(summary: StreamSummary) -> Iterator[Finding]:
    if summary.truncated:
        yield Finding(
            "truncated", True, f"The end of the recording is missing: {summary.truncated_reason}."
        )
    if summary.damaged_packets:
        yield Finding(
            "damaged",
            True,
            f"{summary.damaged_packets} packets are damaged; "
            "the frames that depend on them are left out.",
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
            "the camera took fewer images than the frame rate says, or nothing moved.",
        )
    if summary.backward_frames:
        yield Finding(
            "frames_out_of_order",
            False,
            f"{summary.backward_frames} frames are left out because their time "
            "is not later than that of the frame before.",
        )


def _image_findings(info: VideoInfo, min_side_px: int) -> Iterator[Finding]:
    if min(info.width, info.height) < min_side_px:
        yield Finding(
            "image_small",
            True,
            f"The image is {info.width} x {info.height} pixels; "
            f"the shorter side needs at least {min_side_px}.",
        )
    if info.interlaced:
        yield Finding(
            "interlaced",
            False,
            "The image is interlaced, which blurs fast fingers. Record progressive video.",
        )
    if info.mirrored:
        yield Finding(
            "mirrored",
            False,
            "The file is shown mirrored, as front cameras do, and is analysed as shown. "
            "Check that the left and right hand are not swapped.",
        )
    if info.pixel_aspect != 1:
        yield Finding(
            "pixels_not_square",
            False,
            f"The stored pixels are {info.pixel_aspect:.3f} times as wide as high; "
            "the image is stretched so that distances are correct.",
        )

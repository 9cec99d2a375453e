"""Content of a video file, and whether tapping can be measured from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapscope.video.probe import VideoInfo
from tapscope.video.stream import VideoStream
from tapscope.video.stream_summary import StreamSummary

RATE_TOLERANCE: Final = 0.98
"""A lower frame rate by 2 % is accepted: 29.97 frames per second count as 30."""
LEAST_FPS: Final = 24.0
"""Below this frame rate, within the same tolerance, taps of patients may be too fast: 6.4 Hz."""
MAX_TAPS_PER_FRAME: Final = 0.4 / 1.5
"""Faster tapping is not measured reliably."""
SERIOUS_SHARE: Final = 0.05
"""Above this share of repeated frames the features become unreliable, and of missing ones where too
few are left."""
HARMLESS: Final = frozenset({"frame_rate_variable", "pixels_not_square"})
"""Codes of remarks about what has been put right."""
SERIOUS_GAP_S: Final = 0.25
"""A gap this long hides a whole tap at the usual 4 Hz."""
SLOW_MOTION_FPS: Final = 100.0
"""Phones film slow motion at 120 frames a second or more; the original file has that rate."""
SLOW_MOTION_RATIO: Final = 1.5
"""Pictures a second that the camera took, over those shown, which make slow motion likely."""


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
    *,
    slow_motion: float | None = None,
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
    slow_motion
        How many times slower than in truth the file shows the movement; None if nobody said.

    Returns
    -------
    Inspection
        Header, decoding summary and findings, the serious ones first.

    Raises
    ------
    VideoError
        The file is no video, or no frame of it can be decoded.
    """
    with VideoStream(path, slow_motion=slow_motion or 1.0) as stream:
        for _ in stream:
            pass
        info, summary = stream.info, stream.summary
    findings = (
        *findings_of(info, summary, min_fps=min_fps, speed_known=slow_motion is not None),
        *_duration_findings(summary, min_duration_s, max_duration_s),
        *_size_findings(info, min_side_px),
    )
    return Inspection(info, summary, tuple(sorted(findings, key=lambda found: not found.serious)))


def findings_of(
    info: VideoInfo, summary: StreamSummary, *, min_fps: float = 30.0, speed_known: bool = False
) -> tuple[Finding, ...]:
    """Judge the pictures and times of a decoded video; `inspect` and `analyze` both ask this.

    The length of the test and the size of the hand are left out: the analysis measures the task
    and the hand themselves.

    Parameters
    ----------
    info, summary
        Header, and summary of decoding.
    min_fps
        Lower frame rates are remarked on; those under `LEAST_FPS` are serious.
    speed_known
        Whether the user has said how fast the file shows the movement.
    """
    return (
        *_rate_findings(summary, min_fps),
        *([] if speed_known else _speed_findings(info, summary)),
        *_frame_findings(summary),
        *_image_findings(info),
    )


def _rate_findings(summary: StreamSummary, min_fps: float) -> Iterator[Finding]:
    measured = summary.measured_fps
    if summary.decoded_frames < 2:
        yield Finding("one_frame", True, "The file holds a single frame: no movement to measure.")
        return
    if measured < RATE_TOLERANCE * min_fps:
        yield Finding(
            "frame_rate_low",
            measured < RATE_TOLERANCE * LEAST_FPS,
            f"{measured:.1f} frames per second show a new picture; at least {LEAST_FPS:g} are "
            f"needed, {min_fps:g} are better. Tapping faster than "
            f"{measured * MAX_TAPS_PER_FRAME:.1f} Hz is not measured reliably.",
        )
    if summary.variable_frame_rate:
        yield Finding(
            "frame_rate_variable",
            False,
            "The frame rate varies. The true time of each frame is used, so this does no harm.",
        )


def _speed_findings(info: VideoInfo, summary: StreamSummary) -> Iterator[Finding]:
    ratio = info.capture_fps / summary.shown_fps
    if ratio > SLOW_MOTION_RATIO:
        yield Finding(
            "slow_motion_suspected",
            True,
            f"The file says that the camera took {info.capture_fps:.0f} pictures a second, and "
            f"shows {summary.shown_fps:.0f}: the movement may be {ratio:.3g} times slower than in "
            "truth. Give --slow-motion with this factor, or with 1 if the speed is true.",
        )
    elif info.meant_for_slow_motion and summary.shown_fps < RATE_TOLERANCE * SLOW_MOTION_FPS:
        yield Finding(
            "slow_motion_suspected",
            True,
            "The file was filmed for slow motion, but shows only "
            f"{summary.shown_fps:.0f} frames a second: parts of it may be slower than in truth. "
            "Use the original recording, or give --slow-motion with the factor (1: true speed).",
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
        left_fps = summary.measured_fps * (1 - share)
        yield Finding(
            "frames_dropped",
            summary.longest_interval_s > SERIOUS_GAP_S
            or (share > SERIOUS_SHARE and left_fps < RATE_TOLERANCE * LEAST_FPS),
            f"{summary.dropped_frames} frames ({share:.1%}) are missing; "
            f"the longest gap lasts {summary.longest_interval_s:.3f} s.",
        )
    if summary.duplicate_frames:
        share = summary.duplicate_frames / (summary.decoded_frames + summary.repeated_stamps)
        stamps = summary.repeated_stamps
        yield Finding(
            "frames_duplicated",
            share > SERIOUS_SHARE,
            f"{summary.duplicate_frames} frames ({share:.1%}) repeat the picture of the one before"
            + (f", or its time ({stamps} frames)" if stamps else "")
            + ", and are left out: the camera took fewer pictures than the frame rate says.",
        )
    if summary.backward_frames:
        yield Finding(
            "frames_out_of_order",
            False,
            f"{summary.backward_frames} frames are left out because their time "
            "is earlier than that of a frame before.",
        )


def _size_findings(info: VideoInfo, min_side_px: int) -> Iterator[Finding]:
    if min(info.width, info.height) < min_side_px:
        yield Finding(
            "image_small",
            True,
            f"The image is {info.width} x {info.height} pixels; "
            f"the shorter side needs at least {min_side_px}.",
        )


def _image_findings(info: VideoInfo) -> Iterator[Finding]:
    if info.interlaced:
        yield Finding(
            "interlaced",
            False,
            "The image is interlaced: half of its rows show a later moment. Only the half taken "
            "first is used, so detail is lost in height. Record progressive video.",
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

"""Open a video file; read its header and the orientation of its images."""

import math
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import av
import av.container
import av.sidedata.sidedata
import av.stream
import av.video.stream
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import VideoError

Pixels = NDArray[np.uint8]

_NOT_RECORDINGS: Final = {
    "tty": "plain text",
    "image2": "a still image",
    "hls": "a playlist",
    "concat": "a playlist",
    "concatf": "a playlist",
    "dash": "a playlist",
    "lavfi": "a filter description",
}
"""Formats that FFmpeg opens but that are no recording, or that open other files."""

READING_ERRORS: Final = (av.FFmpegError, IndexError)
"""Raised by PyAV between packets; IndexError where a damaged file seems to start a new stream."""

_ANDROID_CAPTURE: Final = "com.android.capture.fps"
_APPLE_INTENT: Final = "com.apple.quicktime.full-frame-rate-playback-intent"
"""What phones write about slow motion: the rate of the camera; 0 to be shown slowed down."""

_FIRST_IMAGE_PACKETS: Final = 300
"""The first image is searched in so many packets: ten seconds at 30 frames per second."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The header of a video, as read before its frames are decoded."""

    path: Path
    container: str
    """FFmpeg's name of the container, for instance 'mov,mp4,m4a,3gp,3g2,mj2'."""
    codec: str
    """Name of the codec: 'h264', 'hevc', 'vp9' ..."""
    pixel_format: str
    width: int
    """Pixels across, in display orientation: after rotation and with square pixels."""
    height: int
    """Pixels down, in display orientation."""
    rotation_deg: int
    """Clockwise turn from the stored to the displayed image: 0, 90, 180 or 270."""
    nominal_fps: float
    """Frames per second according to the header; metadata only, NaN unknown."""
    header_frames: int | None
    """Number of frames according to the header."""
    duration_s: float | None
    """Seconds according to the header."""
    size_bytes: int
    mirrored: bool = False
    """Whether the stored image is mirrored left to right before it is turned."""
    pixel_aspect: float = 1.0
    """Width over height of one stored pixel; the displayed pixels are square."""
    interlaced: bool = False
    """Whether the first image consists of two fields taken at different times."""
    capture_fps: float = math.nan
    """Pictures a second that the camera took, or at least took by the time code; NaN unknown."""
    meant_for_slow_motion: bool = False
    """Whether a phone wrote that it filmed the recording to be shown in slow motion."""


def probe(path: Path) -> VideoInfo:
    """Read the header of a video and the orientation of its first image.

    Only the first image is decoded: FFmpeg gives the display matrix with an image only.

    Parameters
    ----------
    path
        The video file.

    Returns
    -------
    VideoInfo
        Header facts; width and height as displayed.

    Raises
    ------
    VideoError
        The file is missing, unreadable, empty or no video, or it holds no video stream that FFmpeg
        can decode.
    """
    with open_video(path) as (container, stream):
        context = stream.codec_context
        image = first_image(container, stream)
        rotation_deg, mirrored = (0, False) if image is None else _orientation(image)
        aspect = _pixel_aspect(stream)
        width, height = round(context.width * aspect), context.height
        if width < 1 or height < 1:
            raise VideoError(
                f"{path}: the video stream has no image size; "
                "the file is damaged, record or copy it again"
            )
        if rotation_deg in (90, 270):
            width, height = height, width
        rate = stream.average_rate or stream.guessed_rate
        return VideoInfo(
            path=path,
            container=container.format.name,
            codec=context.codec.canonical_name,
            pixel_format=context.pix_fmt or "unknown",
            width=width,
            height=height,
            rotation_deg=rotation_deg,
            nominal_fps=float(rate) if rate else math.nan,
            header_frames=stream.frames or None,
            duration_s=_header_duration_s(container, stream),
            size_bytes=path.stat().st_size,
            mirrored=mirrored,
            pixel_aspect=aspect,
            interlaced=image is not None and image.interlaced_frame,
            capture_fps=_capture_fps(container, stream),
            meant_for_slow_motion=_metadata(container, stream).get(_APPLE_INTENT) == "0",
        )


@contextmanager
def open_video(
    path: Path,
) -> Iterator[tuple[av.container.InputContainer, av.video.stream.VideoStream]]:
    """Open a video file for reading and choose its video stream.

    Parameters
    ----------
    path
        The video file.

    Yields
    ------
    InputContainer, VideoStream
        PyAV's view of the file, closed at the end, and its first video stream that is no cover
        image.

    Raises
    ------
    VideoError
        The file is missing, unreadable, empty or no video, or it holds no video stream that FFmpeg
        can decode.
    """
    _check_readable(path)
    try:
        # The absolute path keeps FFmpeg from reading "a:b.mp4" as a protocol; the white list keeps
        # a disguised playlist from opening other files.
        container = av.open(str(path.absolute()), options={"protocol_whitelist": "file"})
    except (av.FFmpegError, UnicodeError) as error:
        raise VideoError(
            f"{path}: not a video that can be opened ({reason(error)}); expected mp4, mov, avi, "
            "mkv or webm. A recording that was cut off before it was closed lacks its index: "
            "copy it again from the camera, or repair it"
        ) from error
    with container:
        form = container.format.name
        kind = "a still image" if form.endswith("_pipe") else _NOT_RECORDINGS.get(form)
        if kind is not None:
            raise VideoError(f"{path}: this is {kind}, not a video; give a video file")
        yield container, _video_stream(container, path)


def reason(error: Exception) -> str:
    """Return an error's words, without FFmpeg's number and the path that its text repeats."""
    return str((isinstance(error, av.FFmpegError) and error.strerror) or error)


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise VideoError(f"{path}: no such file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise VideoError(f"{path}: this is a folder; give a video file") from error
    except OSError as error:
        raise VideoError(
            f"{path}: cannot be read ({error.strerror}); check permissions and the disk"
        ) from error
    if empty:
        raise VideoError(
            f"{path}: the file is empty (zero bytes); copy it again from the camera or delete it"
        )


def _video_stream(
    container: av.container.InputContainer, path: Path
) -> av.video.stream.VideoStream:
    still = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
    stream = next((s for s in container.streams.video if not s.disposition & still), None)
    if stream is None:
        kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        raise VideoError(f"{path}: no video stream in the file (found: {kinds}); give a video file")
    if stream.codec_context is None:
        raise VideoError(
            f"{path}: the image is encrypted or its codec is unknown "
            "(FFmpeg has no decoder for it); convert the video to H.264 in mp4"
        )
    # One thread: the images of a damaged file are then the same at every run, and on a small
    # machine the network needs the other cores.
    stream.codec_context.thread_count = 1
    return stream


def first_image(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> av.VideoFrame | None:
    """Return the first image that can be decoded, None if there is none within 300 packets."""
    try:
        for count, packet in enumerate(container.demux(stream)):
            try:
                for frame in packet.decode():
                    return frame
            except av.FFmpegError:
                continue  # the start is damaged; the next key frame may be whole
            if count >= _FIRST_IMAGE_PACKETS:
                break
    except READING_ERRORS:
        return None  # the file breaks off here; decoding the frames reports it
    return None


def _orientation(image: av.VideoFrame) -> tuple[int, bool]:
    """Return the clockwise turn in degrees and whether to mirror first, from the display matrix.

    FFmpeg maps a stored point to x' = a x + c y, y' = b x + d y. A negative determinant is a
    mirror image, as front cameras store it; it becomes a flip from left to right.
    """
    kind = av.sidedata.sidedata.Type.DISPLAYMATRIX
    entries = cast(av.sidedata.sidedata.SideDataContainer, image.side_data)
    if kind not in entries:
        return 0, False
    a, b, _, c, d = struct.unpack_from("=5i", bytes(entries[kind]))
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    quarter_turns = round(math.degrees(math.atan2(b, a)) / 90) % 4
    return 90 * quarter_turns, mirrored


def _pixel_aspect(stream: av.video.stream.VideoStream) -> float:
    aspect = float(stream.sample_aspect_ratio or 1)
    # Rounding in encoders gives ratios such as 4095:4096: those pixels are square. No camera has
    # pixels three times as wide as high: such a header is damaged.
    plausible = 1 / 3 < aspect < 3 and abs(aspect - 1) >= 0.01
    return aspect if plausible else 1.0


def _header_duration_s(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _metadata(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> dict[str, str]:
    found = {**container.metadata, **stream.metadata}
    return {name.lower(): text for name, text in found.items()}  # Matroska writes capitals


def _capture_fps(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> float:
    """Return the rate at which the camera filmed; NaN where the file does not say it.

    A time code (hours:minutes:seconds:frame) says the least rate: its frames are counted from 0.
    """
    metadata = _metadata(container, stream)
    frame = re.search(r"[:;](\d+)$", metadata.get("timecode", ""))
    by_time_code = float(frame[1]) + 1 if frame else math.nan
    try:
        found = float(metadata.get(_ANDROID_CAPTURE, by_time_code))
    except ValueError:
        return math.nan
    return found if 0 < found < math.inf else math.nan


def turn(pixels: Pixels, rotation_deg: int, mirrored: bool) -> Pixels:
    """Bring a stored image into display orientation.

    Parameters
    ----------
    pixels
        Shape (height, width, 3), as stored.
    rotation_deg
        Clockwise turn, a multiple of 90.
    mirrored
        Whether to flip left to right before turning.

    Returns
    -------
    array
        A view of `pixels`, nothing is copied.
    """
    return np.rot90(pixels[:, ::-1] if mirrored else pixels, -rotation_deg // 90)

"""Write a clip as H.264 in MP4: true times, no sound, no facts about its source."""

import errno
import io
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import OutputError, VideoError

_TICKS: Final = 90_000
"""Units of time in a second: fine enough for every frame rate in use."""
_ONE_FRAME_S: Final = 0.04
"""How long a clip of a single frame is shown."""
_OPTIONS: Final = {
    "crf": "21",
    "preset": "fast",
    "bf": "0",  # frames are stored in the order in which they are shown
    "threads": "1",  # the same input gives the same bytes on every machine
}
_LIVE_OPTIONS: Final = {
    "crf": "18",  # to be measured, not only to be looked at
    "preset": "ultrafast",  # beside the network, on the same cores
    "bf": "0",
    "threads": "1",
    "g": "30",  # about a second: what the file lacks if the power fails
}
_FRAGMENTS: Final = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
"""Each second can be read as soon as it is written, so that a file that breaks off keeps them."""
_DISK_ERRORS: Final = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS),
        *(errno.EACCES, errno.EPERM, errno.ENOENT, errno.EISDIR, errno.ENAMETOOLONG),
    )
)
"""Errors of the disk, not of the encoder."""


def encode_clip(path: Path, frames: Iterable[tuple[float, NDArray[np.uint8]]]) -> bytes:
    """Return a clip with the times of its frames, whatever their intervals are.

    Parameters
    ----------
    path
        The file for which it is meant, for messages.
    frames
        Time in seconds, rising, and RGB image, shape (height, width, 3), of each frame. Height and
        width are even and the same in all frames. The last frame is shown as long as the one
        before.

    Raises
    ------
    VideoError
        There is no frame, or FFmpeg cannot encode the frames.
    """
    clip = io.BytesIO()
    try:
        with av.open(clip, "w", format="mp4", options={"fflags": "+bitexact"}) as file:
            _encode(file, path, frames, _OPTIONS)
    except av.FFmpegError as problem:
        raise VideoError(
            f"{path}: the clip cannot be encoded ({problem.strerror}); see whether the installed "
            "PyAV has libx264"
        ) from problem
    return clip.getvalue()


def write_clip(path: Path, frames: Iterable[tuple[float, NDArray[np.uint8]]]) -> None:
    """Write a clip to disk while its frames come in.

    The file can be read up to its last second even if it is never finished.

    Parameters
    ----------
    path
        The file; its folder exists.
    frames
        As for `encode_clip`.

    Raises
    ------
    OutputError
        The file cannot be written, for example because the disk is full. What was written before
        is kept.
    VideoError
        There is no frame, or FFmpeg cannot encode the frames.
    """
    options = {"fflags": "+bitexact", **_FRAGMENTS}
    try:
        with av.open(str(path), "w", format="mp4", options=options) as file:
            _encode(file, path, frames, _LIVE_OPTIONS)
    except (av.FFmpegError, OSError) as problem:
        if problem.errno in _DISK_ERRORS:
            raise OutputError(
                f"{path}: cannot be written ({problem.strerror}); make room, or choose another "
                "--out"
            ) from problem
        raise VideoError(
            f"{path}: the clip cannot be encoded ({problem.strerror}); see whether the installed "
            "PyAV has libx264"
        ) from problem


def _encode(
    file: av.container.OutputContainer,
    path: Path,
    frames: Iterable[tuple[float, NDArray[np.uint8]]],
    options: Mapping[str, str],
) -> None:
    stream = file.add_stream("libx264", rate=30, options=dict(options))
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = stream.time_base = Fraction(1, _TICKS)
    waiting: av.Packet[av.VideoStream] | None = None  # its duration is known once the next one is
    length = round(_ONE_FRAME_S * _TICKS)
    for packet in _packets(stream, frames):
        if waiting is not None:
            length = (packet.pts or 0) - (waiting.pts or 0)
            waiting.duration = length
            file.mux(waiting)
        waiting = packet
    if waiting is None:
        raise VideoError(f"{path}: not written, because there is no frame to show")
    waiting.duration = length
    file.mux(waiting)


def _packets(
    stream: av.VideoStream, frames: Iterable[tuple[float, NDArray[np.uint8]]]
) -> "Iterable[av.Packet[av.VideoStream]]":
    is_open = False
    for time_s, image in frames:
        if not is_open:
            stream.height, stream.width = image.shape[:2]
            is_open = True
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = round(time_s * _TICKS), Fraction(1, _TICKS)
        yield from stream.encode(frame)
    if is_open:
        yield from stream.encode(None)

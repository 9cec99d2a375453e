"""Write a clip as H.264 in MP4: true times, no sound, no facts about its source."""

import io
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import VideoError

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
            _encode(file, path, frames)
    except av.FFmpegError as problem:
        raise VideoError(
            f"{path}: the clip cannot be encoded ({problem.strerror}); see whether the installed "
            "PyAV has libx264"
        ) from problem
    return clip.getvalue()


def _encode(
    file: av.container.OutputContainer,
    path: Path,
    frames: Iterable[tuple[float, NDArray[np.uint8]]],
) -> None:
    stream = file.add_stream("libx264", rate=30, options=_OPTIONS)
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

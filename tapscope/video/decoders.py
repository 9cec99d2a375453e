"""The two decoders: each yields the stored time stamp and the displayed image of every frame."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av
import av.container
import av.video.stream
import numpy as np

from tapscope.errors import VideoError
from tapscope.video.probe import (
    READING_ERRORS,
    Pixels,
    VideoInfo,
    choose_stream,
    first_image,
    open_container,
    turn,
)
from tapscope.video.timestamps import PacketIndex

_SAME_PICTURE: Final = 8.0
"""Mean difference in grey levels up to which two decoders show one image (measured: under 2)."""
_DECORD_CODECS: Final = {"h264", "mjpeg"}
"""Codecs whose decoder reports every packet that gives no image.

The others (HEVC, VP9 ...) may pass over one in silence; decord, which sees no stamps while
decoding, then gives every later frame the time of its neighbour.
"""
_SAME_TIME_S: Final = 0.002
"""Two milliseconds: the rounding of coarse clocks and of decord's 32-bit times."""

Frames = Iterator[tuple[float, Pixels]]


class DecordUnfitError(Exception):
    """decord cannot read this video, or not rightly; the message says why."""


@dataclass
class Damage:
    """What could not be decoded."""

    packets: int = 0


def pyav_frames(info: VideoInfo, index: PacketIndex, damage: Damage) -> Frames:
    """Decode with PyAV, leaving out what is damaged.

    After a damaged packet frames are used again from the next key frame on: those between are
    patched up by the decoder from images that are not there.

    Parameters
    ----------
    info
        The probed video.
    index
        Its time stamps.
    damage
        Counts the damaged packets as they come by.

    Yields
    ------
    float, array
        Stamp in seconds as stored, and RGB image in display orientation, (height, width, 3).
    """
    time_base_s = float(index.time_base_s)
    by_order = iter(index.stamps.tolist()) if index.by_order else None
    with open_container(info.path) as container:
        stream = choose_stream(container, info.path)
        for frame in _whole_frames(container, stream, damage):
            stamp = frame.pts if by_order is None else next(by_order, None)
            if stamp is None:
                damage.packets += 1
                continue
            yield stamp * time_base_s, _displayed(frame, info)


def _whole_frames(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, damage: Damage
) -> Iterator[av.VideoFrame]:
    """Yield the decoded frames that do not rest on damaged ones."""
    await_key = False
    for packet in _packets(container, stream):
        try:
            frames = [] if packet is not None and packet.is_corrupt else stream.decode(packet)
            damaged = packet is not None and packet.is_corrupt
        except av.FFmpegError:
            frames, damaged = [], True
        damage.packets += damaged
        await_key = await_key or damaged
        for frame in frames:
            await_key = await_key and not frame.key_frame
            if not await_key:
                yield frame


def _packets(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator["av.Packet[av.video.stream.VideoStream] | None"]:
    """Yield the packets, then None to empty the decoder, even where the file breaks off."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except READING_ERRORS:
        pass  # the index has noted that the file breaks off here (PacketIndex.fault)
    yield None


def _displayed(frame: av.VideoFrame, info: VideoInfo) -> Pixels:
    """Convert a decoded frame to RGB as displayed: square pixels, upright."""
    width, height = info.width, info.height
    if info.rotation_deg in (90, 270):
        width, height = height, width
    # One thread: swscale's own threads cost more than they gain at these sizes.
    plane = frame.reformat(width=width, height=height, format="rgb24", threads=1).planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)
    pixels = rows[:, : 3 * width].reshape(height, width, 3)
    return turn(pixels, info.rotation_deg, info.mirrored)


def decord_frames(info: VideoInfo, index: PacketIndex) -> Frames:
    """Decode with decord, after checking that it sees the same frames as PyAV.

    Parameters
    ----------
    info
        The probed video.
    index
        Its time stamps.

    Yields
    ------
    float, array
        Stamp in seconds as stored, and RGB image in display orientation, (height, width, 3).

    Raises
    ------
    DecordUnfitError
        Before the first frame, where decord cannot open the file or disagrees with the stamps, the
        number of frames or the first image; at a later frame, where a packet is damaged.
    VideoError
        At the end, where decord has silently passed over frames, so that times were wrong.
    """
    if info.codec not in _DECORD_CODECS:
        raise DecordUnfitError(f"decord may lose frames of {info.codec} unnoticed")
    if index.fault:
        raise DecordUnfitError(index.fault)
    if index.by_order:
        raise DecordUnfitError("the container has no presentation stamps")
    if not index.rises:
        raise DecordUnfitError("frames repeat time stamps")
    try:
        import decord  # noqa: PLC0415  # slow to load, and not to be had on every platform
    except ImportError as error:
        raise DecordUnfitError(f"decord is not installed ({error})") from error
    refusals = (decord.DECORDError, RuntimeError, AssertionError)
    decord.logging.set_level(decord.logging.QUIET)
    try:
        # More than one thread slows it down on two cores; it decodes beside the caller anyway.
        # Any frame that decord puts in the place of another is an error.
        video = decord.VideoReader(str(info.path.absolute()), num_threads=1, fault_tol=1e-9)
        times_s = video.get_frame_timestamp(range(len(video)))[:, 0]
    except (*refusals, UnicodeError) as error:
        raise DecordUnfitError(f"decord cannot open it: {_told(error)}") from error
    _check_times(times_s, index)
    time_base_s = float(index.time_base_s)
    for number, stamp in enumerate(index.stamps.tolist()):
        try:
            image: Pixels = video.next().asnumpy()
        except decord.DECORDLimitReachedError as error:
            raise VideoError(
                f"{info.path}: decord has passed over frames, so that the times of those read are "
                "wrong; read the video with PyAV (decoder='pyav')"
            ) from error
        except (*refusals, StopIteration) as error:
            # Not after how many frames: that differs from run to run, its threads race.
            raise DecordUnfitError(f"decord stopped: {_told(error)}") from error
        if number == 0:
            _check_first_image(image, info, index)
        yield stamp * time_base_s, image


def _told(error: BaseException) -> str:
    """Return the first line of an error of decord without clock times and places in its source."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"\[[\d:]+\] \S+\.(cc|h):\d+: ", "", line)


def _check_times(times_s: np.ndarray[tuple[int], np.dtype[np.float32]], index: PacketIndex) -> None:
    """Refuse decord where its frames are not those of the packets."""
    if times_s.size != index.stamps.size:
        raise DecordUnfitError(f"decord counts {times_s.size} frames of {index.stamps.size}")
    expected_s = index.seconds()
    # Single precision: seven digits.
    tolerance_s = _SAME_TIME_S + 1e-6 * expected_s
    error_s = np.abs(times_s - times_s[0] - expected_s)
    if not (error_s <= tolerance_s).all():
        raise DecordUnfitError(f"decord's times differ by up to {float(np.nanmax(error_s)):.3g} s")


def _check_first_image(image: Pixels, info: VideoInfo, index: PacketIndex) -> None:
    """Refuse decord where PyAV shows another first image: orientation, stream, colours, time."""
    if image.shape != (info.height, info.width, 3):
        raise DecordUnfitError(
            f"decord's image is {image.shape[1]} x {image.shape[0]}, "
            f"not {info.width} x {info.height}"
        )
    with open_container(info.path) as container:
        frame = first_image(container, choose_stream(container, info.path))
        if frame is None or frame.pts != index.stamps[0]:
            raise DecordUnfitError("the first frames cannot be decoded")
        reference = _displayed(frame, info).astype(np.int16)
    difference = float(np.abs(reference - image).mean())
    if not difference <= _SAME_PICTURE:
        raise DecordUnfitError(f"decord's first image differs by {difference:.0f} grey levels")

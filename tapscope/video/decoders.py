"""The two decoders. Each gives the stored stamp and the displayed image of every frame.

'pyav' decodes every video that FFmpeg reads. 'decord' uses decord where it gives the same frames,
and PyAV for all other videos. For 8-bit H.264 and Motion JPEG their images are the same, bit by
bit. 'auto' is PyAV, because decord 0.6.0
- takes 1.5 times the processor time (`python -m tests.bench.decoding`);
- can end the whole Python process at a damaged packet (once in about a thousand damaged files),
  and the packets do not show which of them are damaged;
- gives later frames wrong times if HEVC or VP9 skip a frame without an error;
- has no AV1, ignores mirrored display matrices, has no stamps for H.264 in AVI, and repeats frames
  in place of those that an edit list hides;
- has wheels only for Linux and Windows on x86-64.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, get_args

import av
import av.container
import av.filter
import av.video.stream
import numpy as np

from tapscope.errors import VideoError
from tapscope.records import FloatArray
from tapscope.video.probe import READING_ERRORS, Pixels, VideoInfo, first_image, open_video, turn
from tapscope.video.timestamps import PacketIndex

Decoder = Literal["auto", "decord", "pyav"]

AUTO: Final = "pyav"
"""The decoder that 'auto' stands for; the reasons are at the top of this file."""
_SAME_IMAGE: Final = 8.0
"""Greatest mean difference of two decoders' images, grey levels (measured: under 2)."""
_DECORD_CODECS: Final = {"h264", "mjpeg"}
"""Codecs that report every packet without an image.

The others (HEVC, VP9 ...) may skip one silently. decord sees no stamps while decoding, and would
then give every later frame the time of its neighbour.
"""
_SAME_TIME_S: Final = 0.002
"""Two milliseconds: the rounding of coarse clocks and of decord's 32-bit times."""

Convert = Callable[[], Pixels]
"""Returns a decoded frame as RGB in display orientation, shape (height, width, 3); to be called
before the next frame is decoded. It takes as long as decoding, so only what is needed is."""
Frames = Iterator[tuple[float, Convert]]
"""Stored stamp in seconds, and the image."""
_StampedImages = Iterator[tuple[int, Convert]]
"""The same with the stamp in ticks of the file's clock."""


class DecordUnfitError(Exception):
    """decord cannot decode this video, or not correctly; the message says why."""


@dataclass
class DecodingReport:
    """What happened while decoding; filled as the frames are read."""

    decoder: str = "pyav"
    """'decord', or 'pyav' if it decoded the video or its last part."""
    decoder_reason: str = ""
    """Why decord did not decode all of it; '' if it did or was not asked to."""
    damaged_packets: int = 0
    """Packets that could not be decoded."""


def choose_decoder(decoder: Decoder) -> Literal["decord", "pyav"]:
    """Return the decoder that an option stands for.

    Raises
    ------
    VideoError
        decord is asked for but cannot be used on this machine.
    """
    if decoder not in get_args(Decoder):
        raise ValueError(f"decoder is {decoder!r}; it must be one of {get_args(Decoder)}")
    chosen: Literal["decord", "pyav"] = AUTO if decoder == "auto" else decoder
    if chosen == "decord":
        try:
            import decord  # noqa: F401, PLC0415 - slow to load, and not available everywhere
        except (ImportError, OSError, RuntimeError) as error:
            raise VideoError(
                f"the decoder decord is not installed ({error}); choose the decoder pyav, or on "
                "Linux or Windows with an x86-64 processor run: pip install decord"
            ) from error
    return chosen


def decode(
    info: VideoInfo,
    index: PacketIndex,
    decoder: Literal["decord", "pyav"],
    report: DecodingReport,
) -> Frames:
    """Decode a video; PyAV decodes what decord cannot.

    Raises
    ------
    VideoError
        At the end, if decord skipped frames, so that times were wrong.
    """
    time_base_s = float(index.time_base_s)
    last: int | None = None
    if decoder == "decord":
        try:
            for last, convert in _decord_images(info, index):
                yield last * time_base_s, convert
            report.decoder = "decord"
            return
        except DecordUnfitError as error:
            report.decoder_reason = str(error)
    for stamp, convert in _pyav_images(info, index, report):
        if last is None or stamp > last:
            yield stamp * time_base_s, convert


def _pyav_images(info: VideoInfo, index: PacketIndex, report: DecodingReport) -> _StampedImages:
    """Decode with PyAV, without frames that depend on damaged packets."""
    by_order = iter(index.stamps.tolist()) if index.by_order else None
    with open_video(info.path) as (container, stream):
        frames = _whole_frames(container, stream, report)
        if info.interlaced:
            frames = _deinterlaced(frames, stream, report)
        for frame in frames:
            stamp = frame.pts if by_order is None else next(by_order, None)
            if stamp is None:
                report.damaged_packets += 1
            else:
                yield stamp, partial(_displayed, frame, info)


def _whole_frames(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    report: DecodingReport,
) -> Iterator[av.VideoFrame]:
    """Yield the decoded frames; after a damaged packet only from the next key frame on.

    The decoder patches up the frames in between from images that are missing.
    """
    await_key = False
    for packet in _packets(container, stream):
        try:
            frames = [] if packet is not None and packet.is_corrupt else stream.decode(packet)
            damaged = packet is not None and packet.is_corrupt
        except av.FFmpegError:
            frames, damaged = [], True
        report.damaged_packets += damaged
        await_key = await_key or damaged
        for frame in frames:
            await_key = await_key and not frame.key_frame
            if not await_key:
                yield frame


def _deinterlaced(
    frames: Iterator[av.VideoFrame],
    stream: av.video.stream.VideoStream,
    report: DecodingReport,
) -> Iterator[av.VideoFrame]:
    """Keep of each frame the half image taken first, at the frame's time, and fill in its rows.

    Both halves would be images of their own, but a progressive film that is marked as interlaced
    would then show every image twice.
    """
    graph = av.filter.Graph()
    source, sink = graph.add_buffer(template=stream), graph.add("buffersink")
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), sink)
    graph.configure()
    for frame in itertools.chain(frames, [None]):
        try:
            graph.vpush(frame)
        except av.FFmpegError:  # an image of another size, as damaged files may have
            report.damaged_packets += 1
            continue
        while True:
            try:
                filtered = graph.vpull()
            except (BlockingIOError, EOFError):
                break
            # The filter counts in half ticks.
            if filtered.pts is not None and filtered.time_base and stream.time_base:
                filtered.pts = round(filtered.pts * filtered.time_base / stream.time_base)
            yield filtered


def _packets(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator["av.Packet[av.video.stream.VideoStream] | None"]:
    """Yield the packets, then None to empty the decoder, even where the file breaks off."""
    try:
        for packet in container.demux(stream):
            if packet.size:
                yield packet
    except READING_ERRORS:
        pass  # PacketIndex.fault reports that the file breaks off here
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


def _decord_images(info: VideoInfo, index: PacketIndex) -> _StampedImages:
    """Decode with decord, after checking that it sees the same frames as PyAV.

    Raises
    ------
    DecordUnfitError
        Before the first frame, if decord cannot open the file or if the stamps, the number of
        frames or the first image differ; at a later frame, if a packet is damaged.
    VideoError
        At the end, if decord skipped frames, so that times were wrong.
    """
    if info.interlaced:
        raise DecordUnfitError("the image is interlaced")
    if info.codec not in _DECORD_CODECS:
        raise DecordUnfitError(f"decord may skip frames of {info.codec} without an error")
    if index.fault:
        raise DecordUnfitError(index.fault)
    if index.by_order:
        raise DecordUnfitError("the container has no presentation stamps")
    if not index.rises:
        raise DecordUnfitError("frames repeat time stamps")
    import decord  # noqa: PLC0415 - slow to load, and not available everywhere

    refusals = (decord.DECORDError, RuntimeError, AssertionError)
    decord.logging.set_level(decord.logging.QUIET)
    try:
        # One thread: more slow it down on two cores, and it decodes beside the caller anyway.
        # The tolerance makes every frame that decord would replace by another one an error.
        video = decord.VideoReader(str(info.path.absolute()), num_threads=1, fault_tol=1e-9)
        times_s = video.get_frame_timestamp(range(len(video)))[:, 0]
    except (*refusals, UnicodeError) as error:
        raise DecordUnfitError(f"decord cannot open it: {_short_message(error)}") from error
    _check_times(times_s, index)
    for number, stamp in enumerate(index.stamps.tolist()):
        try:
            image: Pixels = video.next().asnumpy()
        except decord.DECORDLimitReachedError as error:
            raise VideoError(
                f"{info.path}: decord skipped frames, so that the times of those read are wrong; "
                "use PyAV (--decoder pyav)"
            ) from error
        except (*refusals, StopIteration) as error:
            # The number of frames read is left out: decord's threads change it from run to run.
            raise DecordUnfitError(f"decord stopped: {_short_message(error)}") from error
        if number == 0:
            _check_first_image(image, info, index)
        yield stamp, partial(_same, image)


def _same(image: Pixels) -> Pixels:
    return image


def _short_message(error: BaseException) -> str:
    """Return the first line of decord's error without clock times and places in its source."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"\[[\d:]+\] \S+\.(cc|h):\d+: ", "", line)


def _check_times(times_s: np.ndarray[tuple[int], np.dtype[np.float32]], index: PacketIndex) -> None:
    """Refuse decord if its frames are not those of the packets."""
    if times_s.size != index.stamps.size:
        raise DecordUnfitError(f"decord counts {times_s.size} frames of {index.stamps.size}")
    expected_s = index.seconds()
    tolerance_s = _SAME_TIME_S + 1e-6 * expected_s  # decord's times have seven digits
    error_s: FloatArray = np.abs(times_s - times_s[0] - expected_s)
    if not (error_s <= tolerance_s).all():
        raise DecordUnfitError(f"decord's times differ by up to {float(np.nanmax(error_s)):.3g} s")


def _check_first_image(image: Pixels, info: VideoInfo, index: PacketIndex) -> None:
    """Refuse decord if PyAV shows another first image: orientation, stream, colours, time."""
    if image.shape != (info.height, info.width, 3):
        raise DecordUnfitError(
            f"decord's image is {image.shape[1]} x {image.shape[0]}, "
            f"not {info.width} x {info.height}"
        )
    with open_video(info.path) as (container, stream):
        frame = first_image(container, stream)
        if frame is None or frame.pts != index.stamps[0]:
            raise DecordUnfitError("the first frames cannot be decoded")
        reference = _displayed(frame, info).astype(np.int16)
    difference = float(np.abs(reference - image).mean())
    if not difference <= _SAME_IMAGE:
        raise DecordUnfitError(f"decord's first image differs by {difference:.0f} grey levels")

"""Video to a stream of FrameBatch: display orientation, true times, bounded memory.

Two decoders give the same images, bit by bit for 8-bit H.264 and Motion JPEG. 'decord' reads with
decord, and with PyAV where decord cannot read or disagrees with the packets' time stamps, their
number, or the first image. 'auto' is PyAV alone, because of what decord 0.6.0 was seen to do:
- a damaged packet can end the whole Python process (a thread of its own is left joinable; about
  once in a thousand damaged files), and no look at the packets tells which are damaged;
- frames that HEVC or VP9 pass over in silence shift the times of all later frames;
- it takes 1.3 to 1.7 times the processor time of PyAV (`python -m tests.bench.decoding`);
- it has no AV1, ignores mirrored display matrices, has no stamps for H.264 in avi, and repeats
  frames in place of those that an edit list hides.
"""

import math
import queue
import threading
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, get_args

import numpy as np

from tapscope.errors import VideoError
from tapscope.records import FloatArray, FrameBatch
from tapscope.video.decoders import Damage, DecordUnfitError, Frames, decord_frames, pyav_frames
from tapscope.video.probe import Pixels, VideoInfo, probe
from tapscope.video.timestamps import PacketIndex, index_packets, measure_timing

Decoder = Literal["auto", "decord", "pyav"]

AUTO: Final[Decoder] = "pyav"
"""The decoder that 'auto' stands for; see the head of this file."""
MAX_BATCH_BYTES: Final = 64 * 2**20
"""Two 4K frames. At most five batches live at once: made, two waiting, at the consumer, kept."""
_WAITING_BATCHES: Final = 2
_PATIENCE_S: Final = 0.05
_FAREWELL_S: Final = 10.0
"""How long to wait for the thread, a daemon, to end; decord has been seen to hang."""


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """What was found while decoding a whole video."""

    decoded_frames: int
    decoder: str
    """'decord', or 'pyav' where it read the video or took over midway."""
    decoder_reason: str
    """Why decord did not read it, or not to the end; '' where it did or was not asked."""
    truncated: bool
    """Whether the end of the recording is lost."""
    truncated_reason: str
    damaged_packets: int
    """Packets that could not be decoded; frames up to the next key frame are left out too."""
    measured_fps: float
    """One over the usual interval between frames, Hz; NaN with fewer than two frames."""
    variable_frame_rate: bool
    dropped_frames: int
    """Frames missing from gaps of more than 1.5 usual intervals."""
    duplicate_frames: int
    """Frames that show the same image, bit by bit, as the one before, or repeat its stamp."""
    backward_frames: int
    """Frames left out because their stamp does not lie after the one before."""
    longest_interval_s: float
    """Seconds; NaN with fewer than two frames."""
    duration_s: float
    """From the first frame to the end of the last, seconds; NaN with fewer than two frames."""
    first_pts_s: float
    """Presentation time of the first decoded frame as stored, seconds."""


@dataclass
class _Tally:
    """What is noted while frames go by."""

    resolution_s: float
    decoder: str = "pyav"
    decoder_reason: str = ""
    truncated_reason: str = ""
    damage: Damage = field(default_factory=Damage)
    duplicate_frames: int = 0
    backward_frames: int = 0
    stamps_s: "array[float]" = field(default_factory=lambda: array("d"))

    def relative_s(self) -> FloatArray:
        stamps_s = np.array(self.stamps_s, np.float64)
        return stamps_s - stamps_s[:1]

    def summary(self) -> StreamSummary:
        timing = measure_timing(self.relative_s(), self.resolution_s)
        return StreamSummary(
            decoded_frames=len(self.stamps_s),
            decoder=self.decoder,
            decoder_reason=self.decoder_reason,
            truncated=bool(self.truncated_reason),
            truncated_reason=self.truncated_reason,
            damaged_packets=self.damage.packets,
            measured_fps=timing.measured_fps,
            variable_frame_rate=timing.variable_frame_rate,
            dropped_frames=timing.dropped_frames,
            duplicate_frames=self.duplicate_frames,
            backward_frames=self.backward_frames,
            longest_interval_s=timing.longest_interval_s,
            duration_s=timing.duration_s,
            first_pts_s=self.stamps_s[0] if self.stamps_s else math.nan,
        )


class VideoStream:
    """Decode a video ahead in one thread and hand it out in batches.

    Use it in a `with` statement and iterate once. At most two batches wait, so that memory stays
    bounded however long the video is; leaving the `with` statement stops the thread.

    Parameters
    ----------
    path
        The video file.
    batch_size
        Frames in a batch; fewer where they would exceed 64 MiB, and in the last one.
    decoder
        'pyav'; 'decord', which leaves to PyAV what it cannot do; or 'auto', the one to be trusted.

    Raises
    ------
    VideoError
        At once when the file is no video that can be read; while iterating when no frame can be
        decoded, or when decord turns out at the end to have lost frames.
    """

    info: VideoInfo

    def __init__(self, path: Path, batch_size: int = 32, decoder: Decoder = "auto") -> None:
        if batch_size < 1 or decoder not in get_args(Decoder):
            raise ValueError(f"batch_size must be 1 or more and decoder one of {get_args(Decoder)}")
        self.info = probe(path)
        self._batch_size = batch_size
        self._decoder: Decoder = AUTO if decoder == "auto" else decoder
        self._waiting: queue.Queue[FrameBatch | StreamSummary | BaseException] = queue.Queue(
            _WAITING_BATCHES
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._decode_ahead, daemon=True, name="decoding")
        self._summary: StreamSummary | None = None

    def __enter__(self) -> Self:
        """Return the stream itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the thread."""
        self.close()

    def __iter__(self) -> Iterator[FrameBatch]:
        """Yield the batches in order; once only."""
        if self._thread.ident is not None or self._stop.is_set():
            raise RuntimeError("a VideoStream is read once; open the video again")
        self._thread.start()
        try:
            while True:
                item = self._waiting.get()
                if isinstance(item, FrameBatch):
                    yield item
                elif isinstance(item, StreamSummary):
                    self._summary = item
                    return
                else:
                    raise item
        finally:
            self.close()

    @property
    def summary(self) -> StreamSummary:
        """What was found; known once all batches have been read."""
        if self._summary is None:
            raise RuntimeError("the summary is known once all batches have been read")
        return self._summary

    def close(self) -> None:
        """Stop decoding and wait for the thread to end (within about one frame's decoding)."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_FAREWELL_S)

    def _decode_ahead(self) -> None:
        try:
            for item in _decode(self.info, self._batch_size, self._decoder):
                if not self._put(item):
                    return
        except BaseException as error:  # whatever it is, the reading thread raises it
            self._put(error)

    def _put(self, item: FrameBatch | StreamSummary | BaseException) -> bool:
        """Queue an item unless reading has been given up; tell whether it was queued."""
        while not self._stop.is_set():
            try:
                self._waiting.put(item, timeout=_PATIENCE_S)
            except queue.Full:
                continue
            return True
        return False


def _decode(
    info: VideoInfo, batch_size: int, decoder: Decoder
) -> Iterator[FrameBatch | StreamSummary]:
    """Yield the batches of a video, then its summary."""
    index = index_packets(info.path)
    tally = _Tally(resolution_s=float(index.time_base_s), truncated_reason=index.fault)
    frames = _rising(_frames(info, index, decoder, tally), tally)
    yield from _batches(frames, info, batch_size, tally)
    if not tally.stamps_s:
        raise VideoError(
            f"{info.path}: no frame could be decoded ({tally.truncated_reason or 'damaged'}; "
            f"codec {info.codec}); copy the file again from the camera"
        )
    _note_lost_end(index, tally)
    yield tally.summary()


def _note_lost_end(index: PacketIndex, tally: _Tally) -> None:
    """Note a truncation where damage has swallowed the last frames that the packets announce."""
    missing_s = float(index.stamps[-1] * index.time_base_s) - tally.stamps_s[-1]
    if tally.damage.packets and missing_s > tally.resolution_s and not tally.truncated_reason:
        tally.truncated_reason = f"the last {missing_s:.2f} s could not be decoded"


def _batches(
    frames: Frames, info: VideoInfo, batch_size: int, tally: _Tally
) -> Iterator[FrameBatch]:
    """Gather frames into batches, counting images that repeat the one before."""
    shape = (info.height, info.width, 3)
    capacity = max(1, min(batch_size, MAX_BATCH_BYTES // math.prod(shape)))
    previous: Pixels | None = None
    gathered = np.empty((capacity, *shape), np.uint8)
    filled = 0
    for stamp_s, image in frames:
        gathered[filled] = image
        tally.duplicate_frames += previous is not None and _same(previous, gathered[filled])
        tally.stamps_s.append(stamp_s)
        previous = gathered[filled]
        filled += 1
        if filled == capacity:
            yield _batch(gathered, tally, filled)
            gathered, filled = np.empty((capacity, *shape), np.uint8), 0
    if filled:
        yield _batch(gathered[:filled], tally, filled)


def _batch(pixels: Pixels, tally: _Tally, count: int) -> FrameBatch:
    first = len(tally.stamps_s) - count
    time_s = np.array(tally.stamps_s[first:], np.float64) - tally.stamps_s[0]
    return FrameBatch(pixels, time_s, first)


def _same(one: Pixels, other: Pixels) -> bool:
    # Every 16th row tells nearly all images apart at a sixteenth of the cost.
    return np.array_equal(one[::16], other[::16]) and np.array_equal(one, other)


def _rising(frames: Frames, tally: _Tally) -> Frames:
    """Leave out frames whose stamp repeats the one before or goes back."""
    last_s = -math.inf
    for stamp_s, image in frames:
        if stamp_s > last_s:
            last_s = stamp_s
            yield stamp_s, image
        else:
            tally.duplicate_frames += stamp_s == last_s
            tally.backward_frames += 1


def _frames(info: VideoInfo, index: PacketIndex, decoder: Decoder, tally: _Tally) -> Frames:
    """Yield stamp in seconds and image of each frame; PyAV goes on where decord stops."""
    after_s = -math.inf
    if decoder == "decord":
        try:
            for stamp_s, image in decord_frames(info, index):
                after_s = stamp_s
                yield stamp_s, image
            tally.decoder = "decord"
            return
        except DecordUnfitError as error:
            tally.decoder_reason = str(error)
    for stamp_s, image in pyav_frames(info, index, tally.damage):
        if stamp_s > after_s:
            yield stamp_s, image

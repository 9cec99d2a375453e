"""A video as a stream of FrameBatch: display orientation, true times, bounded memory."""

import math
import queue
import threading
from array import array
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from tapscope.errors import VideoError
from tapscope.records import FrameBatch
from tapscope.video.decoders import Decoder, DecodingReport, Frames, choose_decoder, decode
from tapscope.video.probe import Pixels, VideoInfo, probe
from tapscope.video.repeats import change, find_repeats, sample
from tapscope.video.timestamps import PacketIndex, Timing, index_packets, measure_timing

MAX_BATCH_BYTES: Final = 32 * 2**20
"""One 4K frame, or five of 1080p. At most five batches exist at once: one being filled, two waiting
in the queue, one with the caller and the caller's previous one."""
_WAITING_BATCHES: Final = 2
_LEAST_CHANGE: Final = 1e-3
"""Change of images that differ, but in none of the samples compared; grey levels."""
_QUEUE_CHECK_S: Final = 0.05
"""How often the decoding thread looks whether it is to stop while the queue is full."""
_THREAD_EXIT_S: Final = 10.0
"""How long to wait for the decoding thread, a daemon, to end; decord has been seen to hang."""


@dataclass(frozen=True, slots=True)
class StreamSummary(Timing):
    """What was found while decoding a whole video: its timing and its faults.

    `measured_fps` counts new pictures, not frames that repeat one.
    """

    decoded_frames: int
    decoder: str
    """'decord', or 'pyav' if it decoded the video or its last part."""
    decoder_reason: str
    """Why decord did not decode all of it; '' if it did or was not asked to."""
    truncated: bool
    """Whether the end of the recording is missing."""
    truncated_reason: str
    damaged_packets: int
    """Packets that could not be decoded; frames up to the next key frame are left out too."""
    duplicate_frames: int
    """Frames that repeat the picture before (see `repeats`), or its stamp."""
    repeated_stamps: int
    """Those of them that were left out because they have the stamp of the frame before."""
    backward_frames: int
    """Frames left out because their stamp is earlier than that of a frame before."""
    first_pts_s: float
    """Presentation time of the first decoded frame as stored, seconds."""
    shown_fps: float
    """One over the usual interval of frames, repeats included, Hz; NaN with fewer than two."""
    repeats: tuple[int, ...] = ()
    """Numbers of the decoded frames that repeat the picture before."""


@dataclass
class _Tally:
    """What is counted while the frames are read."""

    resolution_s: float
    slow_motion: float = 1.0
    truncated_reason: str = ""
    decoding: DecodingReport = field(default_factory=DecodingReport)
    repeated_stamps: int = 0
    backward_frames: int = 0
    stamps_s: "array[float]" = field(default_factory=lambda: array("d"))
    changes: "array[float]" = field(default_factory=lambda: array("d"))
    """By how much each frame differs from the one before, grey levels; 0 in nothing."""

    def time_s(self, frame: int) -> float:
        """Return the presentation time of a frame, seconds; 0 for the first."""
        return (self.stamps_s[frame] - self.stamps_s[0]) / self.slow_motion

    def summary(self) -> StreamSummary:
        stamps_s = np.array(self.stamps_s, np.float64)
        shown_s = stamps_s - stamps_s[:1]
        found = find_repeats(shown_s, np.array(self.changes, np.float64))
        timing = measure_timing(shown_s / self.slow_motion, self.resolution_s / self.slow_motion)
        repeats = np.flatnonzero(found.is_repeat).tolist()
        return StreamSummary(
            **asdict(replace(timing, measured_fps=timing.measured_fps * found.new_share)),
            shown_fps=timing.measured_fps,
            repeats=tuple(repeats),
            decoded_frames=len(self.stamps_s),
            decoder=self.decoding.decoder,
            decoder_reason=self.decoding.decoder_reason,
            truncated=bool(self.truncated_reason),
            truncated_reason=self.truncated_reason,
            damaged_packets=self.decoding.damaged_packets,
            duplicate_frames=len(repeats) + self.repeated_stamps,
            repeated_stamps=self.repeated_stamps,
            backward_frames=self.backward_frames,
            first_pts_s=self.stamps_s[0] if self.stamps_s else math.nan,
        )


class VideoStream:
    """Decode a video in a thread of its own and yield it in batches.

    Use it in a `with` statement and iterate once. At most two batches wait, so that memory stays
    bounded for videos of any length. Leaving the `with` statement stops the thread.

    Parameters
    ----------
    path
        The video file.
    batch_size
        Frames in a batch; fewer if they would exceed 32 MiB, and in the last one.
    decoder
        'pyav'; 'decord', which leaves to PyAV what it cannot decode; or 'auto', the recommended.
    slow_motion
        How many times slower than in truth the file shows the movement; all times are divided by
        it, so that they are true.
    wanted
        Asked for the time of each frame, in order and in the thread that decodes; frames that are
        not wanted are decoded but neither converted nor yielded. By default all are. With it the
        summary knows of no repeated pictures.

    Raises
    ------
    VideoError
        At once, if the file is no video that can be read or decord is asked for and not installed;
        while iterating, if no frame can be decoded or decord skipped frames.
    """

    info: VideoInfo

    def __init__(
        self,
        path: Path,
        batch_size: int = 32,
        decoder: Decoder = "auto",
        slow_motion: float = 1.0,
        wanted: Callable[[float], bool] | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be 1 or more")
        if not 0 < slow_motion < math.inf:
            raise ValueError(f"slow_motion is {slow_motion}; it must be over 0")
        self._decoder = choose_decoder(decoder)
        self.info = probe(path)
        self._batch_size = batch_size
        self._slow_motion = slow_motion
        self._wanted = wanted
        self._waiting: queue.Queue[FrameBatch | StreamSummary | BaseException] = queue.Queue(
            _WAITING_BATCHES
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run_thread, daemon=True, name="decoding")
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
        """Stop decoding and wait for the thread to end; it stops after the current frame."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_THREAD_EXIT_S)

    def _run_thread(self) -> None:
        try:
            for item in self._decoded_items():
                if not self._put(item):
                    return
        except BaseException as error:  # whatever it is, the iterating thread raises it
            self._put(error)

    def _decoded_items(self) -> Iterator[FrameBatch | StreamSummary]:
        """Yield the batches of the video, then its summary."""
        index = index_packets(self.info.path)
        tally = _Tally(float(index.time_base_s), self._slow_motion, index.fault)
        frames = decode(self.info, index, self._decoder, tally.decoding)
        in_order = _in_order(frames, tally)
        if self._wanted is None:
            yield from _batches(in_order, self.info, self._batch_size, tally)
        else:
            yield from _samples(in_order, self.info, self._batch_size, tally, self._wanted)
        if not tally.stamps_s:
            raise VideoError(
                f"{self.info.path}: no frame could be decoded "
                f"({tally.truncated_reason or 'damaged'}; codec {self.info.codec}); "
                "copy the file again from the camera"
            )
        _note_lost_end(index, tally)
        yield tally.summary()

    def _put(self, item: FrameBatch | StreamSummary | BaseException) -> bool:
        """Queue an item; return False if the stream was closed before there was room."""
        while not self._stop.is_set():
            try:
                self._waiting.put(item, timeout=_QUEUE_CHECK_S)
            except queue.Full:
                continue
            return True
        return False


def _note_lost_end(index: PacketIndex, tally: _Tally) -> None:
    """Note a truncation if damage has removed the last frames that the packets announce."""
    missing_s = float(index.stamps[-1] * index.time_base_s) - tally.stamps_s[-1]
    if (
        tally.decoding.damaged_packets
        and missing_s > tally.resolution_s
        and not tally.truncated_reason
    ):
        tally.truncated_reason = f"the last {missing_s:.2f} s could not be decoded"


def _batches(
    frames: Frames, info: VideoInfo, batch_size: int, tally: _Tally
) -> Iterator[FrameBatch]:
    """Collect frames into batches; note by how much each image differs from the one before."""
    previous: _Seen | None = None
    collected = _Collected(info, batch_size, tally)
    for stamp_s, convert in frames:
        tally.stamps_s.append(stamp_s)
        seen = _Seen(collected.add(convert()))
        tally.changes.append(math.inf if previous is None else seen.change_since(previous))
        previous = seen
        if collected.is_full:
            yield collected.take()
    if len(collected):
        yield collected.take()


def _samples(
    frames: Frames,
    info: VideoInfo,
    batch_size: int,
    tally: _Tally,
    wanted: Callable[[float], bool],
) -> Iterator[FrameBatch]:
    """Collect the wanted frames into batches."""
    collected = _Collected(info, batch_size, tally)
    for stamp_s, convert in frames:
        tally.stamps_s.append(stamp_s)
        tally.changes.append(math.inf)  # nothing was compared
        if wanted(tally.time_s(len(tally.stamps_s) - 1)):
            collected.add(convert())
            if collected.is_full:
                yield collected.take()
    if len(collected):
        yield collected.take()


class _Collected:
    """The images of the next batch."""

    def __init__(self, info: VideoInfo, batch_size: int, tally: _Tally) -> None:
        shape = (info.height, info.width, 3)
        self._shape = (max(1, min(batch_size, MAX_BATCH_BYTES // math.prod(shape))), *shape)
        self._tally = tally
        self._pixels = np.empty(self._shape, np.uint8)
        self._frames: list[int] = []

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def is_full(self) -> bool:
        return len(self._frames) == len(self._pixels)

    def add(self, image: Pixels) -> Pixels:
        """Add the image of the frame that the tally has noted last; return the copy."""
        place: Pixels = self._pixels[len(self._frames)]
        place[:] = image
        self._frames.append(len(self._tally.stamps_s) - 1)
        return place

    def take(self) -> FrameBatch:
        """Return the batch and begin the next one."""
        time_s = np.array([self._tally.time_s(frame) for frame in self._frames])
        batch = FrameBatch(self._pixels[: len(self._frames)], time_s, self._frames[0])
        self._pixels, self._frames = np.empty(self._shape, np.uint8), []
        return batch


class _Seen:
    """An image, to be compared with the next one."""

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self.samples = sample(pixels)

    def change_since(self, before: "_Seen") -> float:
        """Return the change in grey levels, exactly 0 only if no pixel differs."""
        found = change(before.samples, self.samples)
        if found < _LEAST_CHANGE and not np.array_equal(before.pixels, self.pixels):
            return _LEAST_CHANGE
        return found


def _in_order(frames: Frames, tally: _Tally) -> Frames:
    """Leave out and count frames whose stamp repeats the one before or goes back."""
    last_s = -math.inf
    for stamp_s, convert in frames:
        if stamp_s > last_s:
            last_s = stamp_s
            yield stamp_s, convert
        elif stamp_s == last_s:
            tally.repeated_stamps += 1
        else:
            tally.backward_frames += 1

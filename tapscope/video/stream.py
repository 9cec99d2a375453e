"""A video as a stream of FrameBatch: display orientation, true times, bounded memory."""

import math
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tapscope.errors import VideoError
from tapscope.records import FrameBatch
from tapscope.video.batching import batches
from tapscope.video.decoders import Decoder, choose_decoder, decode
from tapscope.video.probe import VideoInfo, probe
from tapscope.video.stream_summary import StreamSummary, Tally
from tapscope.video.timestamps import index_packets

_WAITING_BATCHES: Final = 2
"""So at most five batches exist at once: one being filled, two waiting in the queue, one with the
caller and the caller's previous one."""
_QUEUE_CHECK_S: Final = 0.05
"""How often the decoding thread looks whether it is to stop while the queue is full."""
_THREAD_EXIT_S: Final = 10.0
"""How long to wait for the decoding thread, a daemon, to end; decord has been seen to hang."""


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
        tally = Tally(float(index.time_base_s), self._slow_motion, index.fault)
        frames = decode(self.info, index, self._decoder, tally.decoding)
        yield from batches(frames, self.info, self._batch_size, tally, self._wanted)
        if not tally.stamps_s:
            raise VideoError(
                f"{self.info.path}: no frame could be decoded "
                f"({tally.truncated_reason or 'damaged'}; codec {self.info.codec}); "
                "copy the file again from the camera"
            )
        tally.note_lost_end(index)
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

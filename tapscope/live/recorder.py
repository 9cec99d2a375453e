"""Write the frames of a test to a video, in a thread of its own."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import TapscopeError
from tapscope.live.source import CapturedFrame
from tapscope.video.writer import write_clip

_MAX_BYTES: Final = 256 * 2**20
"""Images that may wait for the encoder: some ten seconds of 640 x 480."""
_MAX_FRAMES: Final = 300
_CHECK_S: Final = 0.1


@dataclass(slots=True)
class Recording:
    """What was recorded."""

    path: Path
    time_s: list[float] = field(default_factory=list)
    """Time stamp of each frame given to the encoder, as its source gave it, seconds."""
    lost: int = 0
    """Frames that found no place, because the encoder or the disk was too slow."""

    @property
    def duration_s(self) -> float:
        """Time from the first to the last frame, seconds."""
        return self.time_s[-1] - self.time_s[0] if self.time_s else 0.0


class Recorder:
    """Encodes frames while they come in.

    Parameters
    ----------
    path
        The video to write; its folder is created.
    shape
        Of the images: height and width.
    keep_all
        Whether `add` waits for a place; else a frame without one is lost, and counted.
    """

    def __init__(self, path: Path, shape: tuple[int, int], *, keep_all: bool) -> None:
        self.recording = Recording(path)
        self._keep_all = keep_all
        places = max(4, min(_MAX_FRAMES, _MAX_BYTES // (3 * shape[0] * shape[1])))
        self._waiting: queue.Queue[CapturedFrame | None] = queue.Queue(places)
        self._error: TapscopeError | OSError | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def add(self, frame: CapturedFrame) -> None:
        """Record a frame.

        Raises
        ------
        OutputError
            The file cannot be written; what was written before is kept.
        """
        self._check()
        if not self._keep_all and self._waiting.full():
            self.recording.lost += 1
            return
        self._put(frame)

    def finish(self) -> Recording:
        """Write what still waits, and close the file.

        Raises
        ------
        OutputError
            As for `add`.
        """
        self._put(None)
        self._thread.join()
        self._check()
        return self.recording

    def _put(self, item: CapturedFrame | None) -> None:
        while self._thread.is_alive():
            try:
                self._waiting.put(item, timeout=_CHECK_S)
            except queue.Full:
                continue
            return

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            write_clip(self.recording.path, self._frames())
        except (TapscopeError, OSError) as problem:
            self._error = problem

    def _frames(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Yield the frames from the first one's time on; sides are even, as H.264 wants them."""
        times_s = self.recording.time_s
        while (frame := self._waiting.get()) is not None:
            height, width = (side // 2 * 2 for side in frame.image.shape[:2])
            times_s.append(frame.time_s)
            image = np.ascontiguousarray(frame.image[:height, :width])
            yield frame.time_s - times_s[0], image

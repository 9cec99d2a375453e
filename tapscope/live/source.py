"""Where live frames come from: a camera, or a video file that stands for one."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import VideoError
from tapscope.video.stream import VideoStream

Clock = Callable[[], float]

_BATCH: Final = 8
"""Frames of a file that are decoded at once."""
_FIRST_INTERVAL_S: Final = 1 / 30
"""How long the first frame of a file counts as the newest one."""


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One frame of a source."""

    number: int
    """Counted from 0, frames that were dropped on the way included."""
    time_s: float
    """Time stamp in seconds; of a file its presentation time, of a camera the time since its first
    frame at which the frame arrived."""
    captured_s: float
    """When the frame arrived by the clock of this machine, or was due; seconds."""
    image: NDArray[np.uint8]
    """RGB, shape (height, width, 3)."""


class FrameSource(Protocol):
    """Yields frames until it is closed, or ends."""

    name: str
    """For messages."""
    is_live: bool
    """Whether frames come at their own time, so that late ones are dropped."""
    size: tuple[int, int]
    """Height and width of its images, pixels."""
    dropped: int
    """Frames that came too late to be read."""

    def frames(self) -> Iterator[CapturedFrame]:
        """Yield the frames; once only.

        Raises
        ------
        VideoError
            The source cannot be read, or not any more.
        """

    def close(self) -> None:
        """Make `frames` end soon; may be called from another thread."""


class CameraSource:
    """A camera of this machine.

    Parameters
    ----------
    index
        Number of the camera, 0 the first.
    open_camera
        Opens it; by default OpenCV.
    clock
        Seconds that rise steadily.

    Raises
    ------
    VideoError
        The camera cannot be opened.
    """

    is_live = True
    dropped = 0  # OpenCV does not say; the analysis finds what is missing between time stamps

    def __init__(
        self,
        index: int = 0,
        open_camera: Callable[[int], Any] | None = None,
        clock: Clock = time.perf_counter,
    ) -> None:
        self.name = f"camera {index}"
        self._clock = clock
        self._closed = threading.Event()
        # the message below says what to do, OpenCV's own lines do not
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self._camera = (open_camera or cv2.VideoCapture)(index)
        if not self._camera.isOpened():
            self._camera.release()
            raise VideoError(
                f"{self.name}: cannot be opened; plug it in, allow this program to use it, close "
                "other programs that use it, or give another number with --camera"
            )
        sides = (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
        height, width = (int(self._camera.get(side)) for side in sides)
        self.size = (height, width)

    def frames(self) -> Iterator[CapturedFrame]:
        """Yield the frames as they arrive; see `FrameSource.frames`."""
        number, first_s = 0, 0.0
        try:
            while not self._closed.is_set():
                is_read, image = self._camera.read()
                now_s = self._clock()
                if self._closed.is_set():
                    return
                if not is_read or image is None:
                    raise VideoError(self._lost(number, now_s - first_s))
                if number == 0:
                    first_s = now_s
                rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
                yield CapturedFrame(number, now_s - first_s, now_s, rgb)
                number += 1
        finally:
            self._camera.release()

    def _lost(self, frames: int, after_s: float) -> str:
        if not frames:
            return (
                f"{self.name}: is there, but gives no image; close other programs that use it, "
                "or plug it in again"
            )
        return (
            f"{self.name}: was lost after {after_s:.1f} s; see whether its cable is in, and start "
            "again"
        )

    def close(self) -> None:
        """Stop after the current frame."""
        self._closed.set()


class FileSource:
    """A video file.

    Parameters
    ----------
    path
        The file.
    realtime
        Whether each frame comes when its time stamp says. A frame is dropped if the next one is due
        before it could be given, as a camera would. Without it frames come as fast as they are
        taken.
    clock
        Seconds that rise steadily.
    wait
        Waits so many seconds; by default until then or until the source is closed.

    Raises
    ------
    VideoError
        The file is no video that can be read.
    """

    def __init__(
        self,
        path: Path,
        *,
        realtime: bool,
        clock: Clock = time.perf_counter,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.name = str(path)
        self.is_live = realtime
        self.dropped = 0
        self._closed = threading.Event()
        self._clock = clock
        self._wait = wait or self._closed.wait
        self._stream = VideoStream(path, batch_size=_BATCH)
        self.size = (self._stream.info.height, self._stream.info.width)

    def frames(self) -> Iterator[CapturedFrame]:
        """Yield the frames of the file; see `FrameSource.frames`."""
        start_s: float | None = None
        waiting: CapturedFrame | None = None  # whether it is late is known once the next one is
        with self._stream as stream:
            for batch in stream:
                for n, time_s in enumerate(batch.time_s.tolist()):
                    if self._closed.is_set():
                        return
                    start_s = self._clock() if start_s is None else start_s
                    number, due_s = batch.first_frame + n, start_s + time_s
                    if waiting is not None:
                        yield from self._given(waiting, next_s=due_s)
                    waiting = CapturedFrame(number, time_s, due_s, batch.pixels[n])
            if waiting is not None and not self._closed.is_set():
                yield from self._given(waiting, next_s=waiting.captured_s + _FIRST_INTERVAL_S)

    def _given(self, frame: CapturedFrame, next_s: float) -> Iterator[CapturedFrame]:
        """Yield a frame when it is due; nothing if the next one is due already."""
        now_s = self._clock()
        if not self.is_live:
            yield CapturedFrame(frame.number, frame.time_s, now_s, frame.image)
        elif now_s >= next_s:
            self.dropped += 1
        else:
            if now_s < frame.captured_s:
                self._wait(frame.captured_s - now_s)
            yield frame

    def close(self) -> None:
        """Stop after the current frame."""
        self._closed.set()

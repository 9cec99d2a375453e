"""The frames of a video as JPEG, by their numbers.

Browsers do not play every codec, and seek to a time, not to a frame. Here the video is decoded once
from its beginning, as for the analysis, so that the numbers of the frames are the same; each
picture goes to a temporary file without a name, which is gone with the process.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import VideoError
from tapscope.records import FloatArray
from tapscope.video.stream import VideoStream

MAX_SIDE_PX: Final = 640
_QUALITY: Final = 88
_MARGIN: Final = 0.45
"""Around the keypoints, as a share of the longer side of what they span."""
_KEPT_CLIPS: Final = 3


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the image, whole pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Return how many pixels of the picture one pixel of the image makes, at most 1."""
        return min(1.0, MAX_SIDE_PX / max(self.width, self.height))


def hand_box(position_px: FloatArray, width: int, height: int) -> Box:
    """Return the part of the image in which the hand is through the whole recording.

    Parameters
    ----------
    position_px
        Keypoints, NaN unknown; shape (frames, keypoints, 2).
    width, height
        Of the image.
    """
    known = position_px[np.isfinite(position_px).all(axis=2)]
    if not len(known):
        return Box(0, 0, width, height)
    low, high = np.percentile(known, [1, 99], axis=0)
    margin = _MARGIN * float((high - low).max())
    x, y = (max(int(value), 0) for value in low - margin)
    right, bottom = (int(value) + 1 for value in high + margin)
    right, bottom = min(right, width), min(bottom, height)
    return Box(x, y, max(right - x, 1), max(bottom - y, 1))


class Clip:
    """The pictures of one part of a video; they are decoded in a thread of their own."""

    def __init__(self, path: Path, box: Box) -> None:
        self._path = path
        self._box = box
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._ends = [0]
        self._ready = threading.Condition()
        self._is_done = self._is_closed = False
        self._problem = ""
        self._thread = threading.Thread(target=self._decode, daemon=True, name="pictures")
        self._thread.start()

    def picture(self, number: int, timeout_s: float = 60.0) -> bytes:
        """Return a frame as JPEG; wait until it is decoded.

        Raises
        ------
        VideoError
            There is no such frame, or the video cannot be decoded as far as that.
        """
        with self._ready:
            self._ready.wait_for(lambda: self._is_done or number < len(self._ends) - 1, timeout_s)
            if not 0 <= number < len(self._ends) - 1:
                why = self._problem or f"it has no frame {number}"
                raise VideoError(f"{self._path.name}: {why}")
            start, end = self._ends[number : number + 2]
            self._file.seek(start)
            return self._file.read(end - start)

    def close(self) -> None:
        """Stop decoding and drop the pictures."""
        self._is_closed = True
        self._thread.join()
        with self._ready:
            self._file.close()

    def _decode(self) -> None:
        try:
            with VideoStream(self._path) as stream:
                for batch in stream:
                    for image in batch.pixels:
                        if self._is_closed:
                            return
                        self._add(_jpeg(image, self._box))
        except VideoError as problem:
            self._problem = str(problem).removeprefix(f"{self._path}: ")
        finally:
            with self._ready:
                self._is_done = True
                self._ready.notify_all()

    def _add(self, content: bytes) -> None:
        with self._ready:
            self._file.seek(self._ends[-1])
            self._file.write(content)
            self._ends.append(self._ends[-1] + len(content))
            self._ready.notify_all()


class Clips:
    """The clips that are open; the one used longest ago is closed for a new one."""

    def __init__(self) -> None:
        self._open: OrderedDict[Hashable, Clip] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Clip]) -> Clip:
        """Return a clip, made if it is not open."""
        with self._lock:
            if key not in self._open:
                self._open[key] = make()
            self._open.move_to_end(key)
            old = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - _KEPT_CLIPS)]
            clip = self._open[key]
        for each in old:
            each.close()
        return clip

    def close(self) -> None:
        """Close all."""
        with self._lock:
            every, self._open = list(self._open.values()), OrderedDict()
        for clip in every:
            clip.close()


def _jpeg(image: NDArray[np.uint8], box: Box) -> bytes:
    part = image[box.y : box.y + box.height, box.x : box.x + box.width, ::-1]  # BGR
    size = round(box.width * box.scale), round(box.height * box.scale)
    small = cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_AREA)
    content = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return bytes(content)

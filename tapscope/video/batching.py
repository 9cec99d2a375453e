"""Decoded frames, in order and in batches of bounded size, each compared with the one before."""

import math
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from tapscope.records import FrameBatch
from tapscope.video.decoders import Frames
from tapscope.video.probe import Pixels, VideoInfo
from tapscope.video.repeats import change, sample
from tapscope.video.stream_summary import Tally

MAX_BATCH_BYTES: Final = 32 * 2**20
"""One 4K frame, or five of 1080p."""
_LEAST_CHANGE: Final = 1e-3
"""Change of images that differ, but in none of the samples compared; grey levels."""


def batches(
    frames: Frames,
    info: VideoInfo,
    batch_size: int,
    tally: Tally,
    wanted: Callable[[float], bool] | None = None,
) -> Iterator[FrameBatch]:
    """Yield the frames of a video in batches.

    Parameters
    ----------
    frames
        As they are decoded.
    info
        Of the video.
    batch_size
        Frames in a batch; fewer if they would exceed `MAX_BATCH_BYTES`, and in the last one.
    tally
        Notes time and change of every frame.
    wanted
        As in `VideoStream`. With it no images are compared, because some are never converted.
    """
    collected = _Collected(info, batch_size, tally)
    previous: _Seen | None = None
    for stamp_s, convert in _in_order(frames, tally):
        tally.stamps_s.append(stamp_s)
        if wanted is None:
            seen = _Seen(collected.add(convert()))
            tally.changes.append(math.inf if previous is None else seen.change_since(previous))
            previous = seen
        else:
            tally.changes.append(math.inf)
            if wanted(tally.time_s(len(tally.stamps_s) - 1)):
                collected.add(convert())
        if collected.is_full:
            yield collected.take()
    if len(collected):
        yield collected.take()


def _in_order(frames: Frames, tally: Tally) -> Frames:
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


class _Collected:
    """The images of the next batch."""

    def __init__(self, info: VideoInfo, batch_size: int, tally: Tally) -> None:
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

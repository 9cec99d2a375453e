"""Second pass: place the keypoints of the chosen hand in every frame.

Frames are seen in chunks of a quarter second, each in the crop that the path has there. Where the
hand reaches out of its crop, or was not seen beside a frame in which it was, the frame is looked at
again in a corrected crop; so the hand is followed beyond the ends of its path, too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.network.crop import CropBox
from tapscope.network.engine import Engine
from tapscope.pose.crop_path import CropPath
from tapscope.pose.detection import HandDetection, hand_extent, predict_crops, predict_mirrored
from tapscope.pose.motion_blur import edge_smear_px
from tapscope.pose.overlap import distance, size_ratio
from tapscope.pose.thresholds import DEFAULTS, PoseSettings
from tapscope.records import FloatArray, FrameBatch

_CLOCK_S: Final = 1e-6
"""Seconds by which a time stamp may be rounded."""


@dataclass(slots=True)
class PlacedFrames:
    """What was seen of the chosen hand in every frame of a recording."""

    time_s: list[float] = field(default_factory=list)
    """Seconds."""
    views: list[HandDetection | None] = field(default_factory=list)
    """None where the hand was not seen."""
    mirrored_tips_px: dict[int, FloatArray] = field(default_factory=dict)
    """Thumb and index tip as seen in the mirrored image of some frames; shape (2, 2) each."""
    blur_px: list[float] = field(default_factory=list)
    """Length of the motion blur about the tips, pixels; NaN unknown."""


@dataclass(slots=True)
class _Frame:
    """A frame that may be looked at again."""

    image: NDArray[np.uint8]
    time_s: float
    view: HandDetection | None = None
    tried: list[CropBox] = field(default_factory=list)

    def is_new(self, box: CropBox) -> bool:
        """Say whether the frame was not yet seen in nearly this crop."""
        return all(
            distance(box, other) > 0.05
            or size_ratio(box, other) > 1.1
            or box.rotation_deg != other.rotation_deg
            for other in self.tried
        )


class KeypointPlacement:
    """Takes the frames of one video in order, and places the keypoints of one hand.

    Parameters
    ----------
    engine
        Runs the network.
    size_px
        Side of the crops.
    path
        Where the hand is.
    settings
        The thresholds.
    """

    def __init__(
        self, engine: Engine, size_px: int, path: CropPath, settings: PoseSettings = DEFAULTS
    ) -> None:
        self._engine = engine
        self._size_px = size_px
        self._path = path
        self._settings = settings
        self._waiting: list[_Frame] = []
        self._placed = PlacedFrames()

    def place(self, batches: Iterable[FrameBatch]) -> PlacedFrames:
        """Return what is seen in all frames of a video."""
        for chunk in _chunks(batches, self._settings):
            self._look(chunk)
            # The chunk before waits for this one: its last frames may have to be looked at again.
            self._look_again(self._waiting + chunk)
            self._store(self._waiting)
            self._waiting = chunk
        self._store(self._waiting)
        self._waiting = []
        return self._placed

    def _look(self, chunk: list[_Frame]) -> None:
        """See each frame in the crop of the path."""
        boxes = [(frame, self._path.box(frame.time_s)) for frame in chunk]
        self._see([(frame, box) for frame, box in boxes if box is not None])

    def _look_again(self, frames: list[_Frame]) -> None:
        """Look again where the hand left its crop, or was lost beside a frame that shows it."""
        for _ in range(self._settings.max_relooks):
            wanted = [
                (frame, box) for frame in frames if (box := self._corrected(frame)) is not None
            ]
            if not wanted:
                break
            self._see(wanted)
        for _ in frames:  # the hand may be found again one frame further each time
            lost = [
                (frame, beside, neighbour.view)
                for pair in pairwise(frames)
                for frame, neighbour in (pair, pair[::-1])
                if frame.view is None
                and neighbour.view is not None
                and frame.is_new(beside := neighbour.view.hand_box(self._settings))
            ]
            if not lost:
                break
            self._see([(frame, box) for frame, box, _ in lost])
            for frame, _, neighbour in lost:
                # What scores far lower there is what was behind the hand.
                least = self._settings.min_score_ratio * neighbour.score
                if frame.view is not None and frame.view.score < least:
                    frame.view = None

    def _corrected(self, frame: _Frame) -> CropBox | None:
        """Return a better crop of a frame whose hand reaches out of its crop; None if it fits."""
        view = frame.view
        if view is None or len(frame.tried) > self._settings.max_relooks:
            return None
        extent = hand_extent(view.position_px, view.peak_value, view.measured, self._settings)
        better = view.refined_bbox(self._settings)
        if extent is None or better is None or not frame.is_new(better):
            return None
        middle = np.array([view.box.x, view.box.y])
        reach = max(float(np.abs(corner - middle).max()) for corner in extent)
        return better if reach > self._settings.max_reach * view.box.side else None

    def _see(self, wanted: list[tuple[_Frame, CropBox]]) -> None:
        """See frames in crops; keep the higher-scoring answer of each frame."""
        views = predict_crops(
            self._engine,
            [frame.image for frame, _ in wanted],
            [box for _, box in wanted],
            self._size_px,
            sure=self._settings.flip_test_confidence,
        )
        for (frame, box), view in zip(wanted, views, strict=True):
            frame.tried.append(box)
            least = self._settings.detection_threshold if frame.view is None else frame.view.score
            if view.score >= least:
                frame.view = view

    def _store(self, frames: list[_Frame]) -> None:
        """Keep what was seen; see some of the frames mirrored; let the images go."""
        placed = self._placed
        first = len(placed.time_s)
        mirrored = [
            (first + n, frame.image, frame.view)
            for n, frame in enumerate(frames)
            if (first + n) % self._settings.mirror_every == 0 and frame.view is not None
        ]
        again = predict_mirrored(
            self._engine,
            [image for _, image, _ in mirrored],
            [view.box for _, _, view in mirrored],
            self._size_px,
        )
        for (number, _, _), view in zip(mirrored, again, strict=True):
            placed.mirrored_tips_px[number] = view.position_px[view.measured.tips]
        for frame in frames:
            placed.time_s.append(frame.time_s)
            placed.views.append(frame.view)
            blur_px = float("nan")
            if frame.view is not None:
                tips_px = frame.view.position_px[frame.view.measured.tips]
                blur_px = edge_smear_px(frame.image, tips_px, frame.view.box.side)
            placed.blur_px.append(blur_px)


def _chunks(batches: Iterable[FrameBatch], settings: PoseSettings) -> Iterator[list[_Frame]]:
    """Yield the frames of each slot of time, or of a part of it where the images are large."""
    chunk: list[_Frame] = []
    slot = 0
    for batch in batches:
        for image, time_s in zip(batch.pixels, batch.time_s.tolist(), strict=True):
            now = floor(time_s / settings.slot_s + _CLOCK_S)
            is_full = (len(chunk) + 1) * image.nbytes > settings.max_chunk_bytes
            if chunk and (now != slot or is_full):
                yield chunk
                chunk = []
            slot = now
            chunk.append(_Frame(image, time_s))
    if chunk:
        yield chunk

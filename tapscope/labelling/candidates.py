"""Look at doubtful frames again: the guess, whether the mirrored look agrees, and the image."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.datasets.formats.base import GuessedImage
from tapscope.errors import OutputError
from tapscope.hand import TIPS
from tapscope.network.crop import CropBox
from tapscope.network.engine import Engine
from tapscope.pose.detection import HandDetection, hand_extent, predict_crops, predict_mirrored
from tapscope.pose.thresholds import DEFAULTS
from tapscope.records import FloatArray
from tapscope.video.stream import VideoStream

_CROP_HANDS: Final = 3.2
"""Side of the first crop about the tips, in lengths wrist to middle knuckle."""
_SURROUNDINGS: Final = 1.5
"""Side of the image that is written, over the longer side of the hand."""
_DISAGREEMENT_HANDS: Final = 0.2
"""Mirrored looks that differ by so much of the hand's longer side are a whole doubt."""
_THUMBNAIL_PX: Final = 24


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A frame that may be chosen; its image is written already."""

    recording: str
    """Name as shown."""
    group: str
    """Participant or recording: training never splits it."""
    frame: int
    time_s: float
    doubt: float
    disagreement: float
    """Between the network's looks at the frame and at its mirror image, 0 to 1."""
    guess: GuessedImage
    thumbnail: NDArray[np.float64]
    """The hand, small and grey, to compare it with others."""


def look_again(
    video: Path,
    doubts: Mapping[int, tuple[float, FloatArray]],
    engine: Engine,
    *,
    hand_px: float,
    folder: Path,
    recording: str,
    group: str,
    whole_frame: bool,
) -> Iterator[Candidate]:
    """Write the images of some frames and yield what the network sees in them.

    A frame in which it sees no hand at all is left out.

    Parameters
    ----------
    doubts
        By number among the decoded frames: the doubt, and where the tips are by the tracks, px,
        shape (2, 2).
    hand_px
        Length of the hand, wrist to middle knuckle.
    folder
        Of the labels; images are written to its folder `images`.
    whole_frame
        Write the whole frame instead of the hand's surroundings.

    Raises
    ------
    VideoError
        The video cannot be read.
    OutputError
        An image cannot be written.
    """
    last = max(doubts)
    with VideoStream(video) as stream:
        for batch in stream:
            for place, pixels in enumerate(batch.pixels):
                number = batch.first_frame + place
                if number not in doubts:
                    continue
                doubt, tips_px = doubts[number]
                hand, mirrored = _looks(engine, pixels, tips_px, hand_px)
                if hand.score < DEFAULTS.detection_threshold / 2:
                    continue  # no hand is in the image, or nobody could say where
                extent = _extent(hand, tips_px)
                disagreement = _disagreement(hand, mirrored, extent)
                file = f"images/{recording}_f{number:06d}.png"
                yield Candidate(
                    recording=recording,
                    group=group,
                    frame=number,
                    time_s=float(batch.time_s[place]),
                    doubt=doubt + disagreement,
                    disagreement=disagreement,
                    guess=replace(
                        _write_image(
                            folder / file, pixels, hand, extent, None if whole_frame else tips_px
                        ),
                        file_name=file,
                    ),
                    thumbnail=_thumbnail(pixels, extent),
                )
            if batch.first_frame + len(batch) > last:
                return


def _looks(
    engine: Engine, pixels: NDArray[np.uint8], tips_px: FloatArray, hand_px: float
) -> tuple[HandDetection, HandDetection]:
    """Return what the network sees, and what it sees in the mirror image."""
    size_px = engine.card.input_size_px
    x, y = tips_px.mean(axis=0).tolist()
    box = CropBox(x, y, _CROP_HANDS * hand_px)
    for _ in range(2):  # each answer corrects the crop for the next
        (hand,) = predict_crops(engine, [pixels], [box], size_px)
        box = hand.hand_box()
    (hand,) = predict_crops(engine, [pixels], [box], size_px)
    (mirrored,) = predict_mirrored(engine, [pixels], [box], size_px)
    return hand, mirrored


def _extent(hand: HandDetection, tips_px: FloatArray) -> FloatArray:
    """Return left, top, right, bottom of the hand: of its keypoints, or about the tips."""
    found = hand_extent(hand.position_px, hand.peak_value, hand.measured)
    if found is None:
        half = hand.box.side / 2
        middle = tips_px.mean(axis=0)
        return np.concatenate([middle - half, middle + half])
    return np.concatenate(found)


def _disagreement(hand: HandDetection, mirrored: HandDetection, extent: FloatArray) -> float:
    tips = hand.measured.tips
    away = np.linalg.norm(hand.position_px[tips] - mirrored.position_px[tips], axis=1)
    size_px = float((extent[2:] - extent[:2]).max())
    return min(float(away.max()) / (_DISAGREEMENT_HANDS * size_px), 1.0)


def _write_image(
    path: Path,
    pixels: NDArray[np.uint8],
    hand: HandDetection,
    extent: FloatArray,
    tips_px: FloatArray | None,
) -> GuessedImage:
    """Write the image of a hand without loss; return it with the guess in its coordinates.

    The whole frame is written where `tips_px` is None.
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = 0, 0, width, height
    if tips_px is not None:
        left, top, right, bottom = _surroundings(extent, tips_px, width, height)
    image = pixels[top:bottom, left:right]
    done, content = cv2.imencode(".png", np.ascontiguousarray(image[:, :, ::-1]))
    if not done:
        raise OutputError(f"{path}: cannot be written as PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.tobytes())
    # A tool takes no point beyond the image's edge.
    limit = np.array([right - left - 1, bottom - top - 1], dtype=float)
    offset = np.array([left, top], dtype=float)
    tips = np.clip(hand.position_px[hand.measured.tips] - offset, 0, limit)
    box = np.clip((extent.reshape(2, 2) - offset), 0, limit).ravel()
    return GuessedImage(
        file_name=path.name,
        width=right - left,
        height=bottom - top,
        points_px={name: (float(x), float(y)) for name, (x, y) in zip(TIPS, tips, strict=True)},
        box_px=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
    )


def _surroundings(
    extent: FloatArray, tips_px: FloatArray, width: int, height: int
) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the image to write, in whole pixels.

    It holds the hand that the network saw now and the tips by the tracks, which may differ.
    """
    margin = (_SURROUNDINGS - 1) / 2 * float((extent[2:] - extent[:2]).max())
    places = np.concatenate([extent.reshape(2, 2), tips_px])
    low = np.floor(places.min(axis=0) - margin).astype(int)
    high = np.ceil(places.max(axis=0) + margin).astype(int)
    left, top = np.clip(low, 0, [width - 2, height - 2]).tolist()
    right, bottom = np.clip(high, [left + 2, top + 2], [width, height]).tolist()
    return left, top, right, bottom


def _thumbnail(pixels: NDArray[np.uint8], extent: FloatArray) -> NDArray[np.float64]:
    height, width = pixels.shape[:2]
    left, top = np.clip(extent[:2], 0, [width - 2, height - 2]).astype(int).tolist()
    right, bottom = np.clip(extent[2:], [left + 2, top + 2], [width, height]).astype(int).tolist()
    grey = pixels[top:bottom, left:right].mean(axis=2)
    small = cv2.resize(grey, (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float64)

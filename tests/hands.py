"""Made-up hands: images whose keypoints are coloured dots, and an engine that sees such dots.

The engine stands for a perfect network, so that finding, following and choosing can be tested
without weights.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tapscope.hand import KEYPOINTS, Measured
from tapscope.network.heatmap import VARIANCE_PX2
from tapscope.network.pmsdsnet import PMSDSNet
from tapscope.network.torch_engine import TensorEngine
from tapscope.network.weights import Card, Weights
from tapscope.pose.detection import HandDetection, box_around
from tapscope.records import FrameBatch

COLOURS = np.array([[40 + 10 * j, 250 - 10 * j, 40 + 60 * (j % 4)] for j in range(len(KEYPOINTS))])
"""One colour a keypoint, no two nearer than 25 levels."""


def hand_shape(
    x: float = 0.0, y: float = 0.0, *, aperture: float = 0.5, size: float = 100.0
) -> NDArray[np.float64]:
    """Return 21 keypoints of an upright hand about (x, y), its tips `aperture` sizes apart."""
    keypoints = np.zeros((21, 2))
    keypoints[0] = (0, 0.5)
    for finger, across in enumerate((0.0, -0.15, 0.0, 0.13, 0.25)):
        for part in range(4):
            keypoints[1 + 4 * finger + part] = (across, 0.05 - 0.14 * part)
    for part in range(4):  # the thumb goes out to the left
        keypoints[1 + part] = (-0.12 - 0.08 * part, 0.3 - 0.08 * part)
    keypoints[4] = keypoints[8] + (-0.7 * aperture, 0.7 * aperture)
    return keypoints * size + np.array([x, y])


def turned(keypoints: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    """Turn a hand about its middle, clockwise as it is seen."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = keypoints.mean(axis=0)
    result: NDArray[np.float64] = (keypoints - middle) @ turn.T + middle
    return result


def detection(keypoints: NDArray[np.float64], *, peak: float = 0.9) -> HandDetection:
    """Return a hand seen in a crop that fits it, every peak and confidence of one value."""
    values = np.full(len(keypoints), peak)
    measured = Measured.among(KEYPOINTS)
    box = box_around(keypoints, np.ones(len(keypoints)), measured)
    assert box is not None
    return HandDetection(box, keypoints, values, values, measured)


def paint(
    hands: list[NDArray[np.float64]],
    *,
    faint: list[NDArray[np.float64]] | None = None,
    width: int = 320,
    height: int = 240,
    radius: int = 5,
) -> NDArray[np.uint8]:
    """Draw hands as dots on black, before what looks a little like a hand: fainter dots."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    for colours, shapes in ((COLOURS // 2, faint or []), (COLOURS, hands)):
        for colour, (x, y) in (
            dot for keypoints in shapes for dot in zip(colours, keypoints, strict=True)
        ):
            cv2.circle(
                image, (round(x * 16), round(y * 16)), radius * 16,
                tuple(int(c) for c in colour), -1, cv2.LINE_AA, 4,
            )  # fmt: skip
    return image


Shape = Callable[[int], NDArray[np.float64] | None]
"""Where the keypoints are in each frame; None where there are none."""


def opening(frame: int, rate_hz: float = 3.0) -> float:
    """Return the aperture of a tapping hand at 30 frames a second, in sizes."""
    return float(0.35 + 0.3 * np.sin(2 * np.pi * rate_hz * frame / 30))


def film(
    frames: int, *hands: Shape, faint: Shape | None = None, batch_size: int = 16
) -> Callable[[], Iterator[FrameBatch]]:
    """Return what opens a film: frames 1/30 s apart, each hand drawn where its function says."""

    def open_frames() -> Iterator[FrameBatch]:
        for start in range(0, frames, batch_size):
            numbers = range(start, min(frames, start + batch_size))
            images = []
            for n in numbers:
                behind = faint(n) if faint else None
                shown = [shape for hand in hands if (shape := hand(n)) is not None]
                images.append(paint(shown, faint=None if behind is None else [behind]))
            yield FrameBatch(np.stack(images), np.array(numbers) / 30.0, start)

    return open_frames


def _masks(
    image: NDArray[np.uint8], colours: NDArray[np.int_]
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield each keypoint whose colour is in an image, and where it is."""
    rows, columns = np.nonzero(image.max(axis=2) > 8)
    away = np.abs(image[rows, columns].astype(int)[:, None] - colours).max(axis=2)
    for keypoint in np.flatnonzero((away < 12).any(axis=0)):
        mask = np.zeros(image.shape[:2], np.uint8)
        inside = away[:, keypoint] < 12
        mask[rows[inside], columns[inside]] = 1
        yield int(keypoint), mask


class DotEngine(TensorEngine):
    """Answers with a Gaussian at the middle of the dots of each keypoint's colour.

    Parameters
    ----------
    faint_peak
        Peak value at the dots of what looks a little like a hand, see `paint`.
    batch_size
        How many images it says are worth giving at once.
    """

    def __init__(self, faint_peak: float = 0.0, batch_size: int = 4) -> None:
        super().__init__(tiny_weights())
        self.name = "dots"
        self.batch_size = batch_size
        self.images_seen = 0
        self._palettes = [(COLOURS, 1.0)]
        if faint_peak:
            self._palettes.append((COLOURS // 2, faint_peak))

    def tensor_heatmaps(self, pixels: NDArray[np.uint8]) -> Tensor:
        self.images_seen += len(pixels)
        n, height, width = pixels.shape[:3]
        answer = np.zeros((n, len(COLOURS), height, width), dtype=np.float32)
        for image, maps in zip(pixels, answer, strict=True):
            for colours, peak in self._palettes:
                for keypoint, mask in _masks(image, colours):
                    count, _, stats, centres = cv2.connectedComponentsWithStats(mask)
                    for part in range(1, count):
                        if stats[part, cv2.CC_STAT_AREA] >= 2:
                            x, y = centres[part]
                            across = np.exp(-((np.arange(width) - x) ** 2) / (2 * VARIANCE_PX2))
                            down = np.exp(-((np.arange(height) - y) ** 2) / (2 * VARIANCE_PX2))
                            heat = maps[keypoint]
                            np.maximum(heat, peak * np.outer(down, across), out=heat)
        return torch.from_numpy(answer)


TINY = {"keypoints": 21, "stages": 1, "widths": [4, 4, 4]}


def tiny_card() -> Card:
    return Card(
        network=TINY,
        input_size_px=80,
        keypoints=KEYPOINTS,
        confidence_slope=10.0,
        confidence_second_peak_slope=-4.0,
        confidence_intercept=-5.0,
        trained_on=(),
        command="tests",
        seed=0,
        tapscope_version="0",
        sha256="0" * 64,
    )


def tiny_weights(keypoints: Sequence[str] = KEYPOINTS) -> Weights:
    """Return an untrained network of a few hundred parameters."""
    network = PMSDSNet(keypoints=len(keypoints), stages=1, widths=[4, 4, 4])
    return Weights(network.eval(), replace(tiny_card(), keypoints=tuple(keypoints)), Path("t"))


def labelled_folder(
    folder: Path, *, count: int = 12, groups: int = 4, with_bbox: bool = True
) -> Path:
    """Write a COCO keypoint folder of dot hands."""
    rng = np.random.default_rng(count)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for n in range(count):
        keypoints = hand_shape(*rng.uniform(60, 100, 2), aperture=rng.uniform(0.1, 0.6), size=70)
        cv2.imwrite(
            str(folder / "images" / f"{n}.png"),
            paint([keypoints], width=160, height=160)[:, :, ::-1],
        )
        images.append(
            {
                "id": n + 1, "file_name": f"images/{n}.png", "width": 160, "height": 160,
                "group": f"person-{n % groups}", "split": "test" if n % 4 == 3 else "train",
            }
        )  # fmt: skip
        low, high = keypoints.min(axis=0), keypoints.max(axis=0)
        visibility = np.full(21, 2 if n % 2 else 1)
        visibility[20] = 0
        row = {
            "id": n + 1, "image_id": n + 1, "category_id": 1, "iscrowd": 0, "side": "right",
            "labelled_by": "another network",
            "keypoints": np.column_stack([keypoints, visibility]).ravel().tolist(),
        }  # fmt: skip
        if with_bbox:
            row["bbox"] = [*low.tolist(), *(high - low).tolist()]
        annotations.append(row)
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "hand", "keypoints": list(KEYPOINTS)}],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder

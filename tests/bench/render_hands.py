"""Render labelled stills of tapping hands for training, several moments of each person.

    python -m tests.bench.render_hands SYNTH OUT FIRST LAST [--without PERSON ...] [--whole]
        [--size PX] [--moments N] [--anywhere]

SYNTH is the folder of the renderer (its README lists what it needs: moderngl and EGL), FIRST and
LAST the seeds of the people. The image shows only the surroundings of the hand, because training
crops the rest away; `--whole` keeps the whole image. `--size 144` suits training crops of 64 px.
With `--anywhere` the camera may be on any side of the hand from which both tips are visible, as a
camera on the head is, and thumb and index finger open in more ways. OUT becomes a folder for
`tapscope train --data`; an interrupted run has written the images rendered so far.
"""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.files import write_atomically
from tapscope.hand import INDEX_TIP, KEYPOINTS, MIDDLE_MCP, THUMB_TIP, WRIST

CLOSE_PX, WHOLE_PX = 224, 320
HAND_TO_CROP_RATIO = (1.9, 2.7)
"""Side of the image over the longer side of the hand."""
MAX_SHIFT = 0.15
"""Largest distance of the hand from the middle, over half the image."""
MARGIN_PX = 3
"""Whole images with a tip nearer to the edge are left out."""
OPEN_SD = np.radians([10, 12, 8, 12, 12, 15, 6, 15, 10])
"""`--anywhere`: standard deviation added to each joint angle of the open thumb and index finger."""
THUMB_SHARE = (-0.2, 1.0)
"""Range of the thumb's opening over the index finger's; at 0 the thumb stays along the palm."""
CAMERA_M = (0.22, 0.6)
"""Range of the camera's distance from the hand."""
NEAREST_M = 0.1
"""Smallest distance of the camera from the person's skin."""
MAX_CAMERAS = 300
"""Cameras tried for each person."""
FINGERS_UP_SHARE, TILT_SD = 0.6, 0.4
"""Share of cameras whose up direction is that of the fingers, else the person's; its noise."""
BEFORE_TIP_M, LINE_M = 0.06, 0.02
"""Skin at least this far in front of a tip, and this near to the line of sight, hides it."""
SAVE_EVERY = 50
"""People."""
JPEG_QUALITY = 88


@dataclass
class Labels:
    """Content of annotations.json."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self, number: int, name: str, place: NDArray[np.float64], *, person: str, side: str,
        size_px: int,
    ) -> None:  # fmt: skip
        """Add an image; `place` holds its keypoints in pixels, shape (21, 2)."""
        inside = ((place >= 0) & (place < size_px)).all(axis=1)
        low, high = place[inside].min(axis=0), place[inside].max(axis=0)
        rows = np.column_stack([place, np.full(len(place), 2)]) * inside[:, None]
        self.images.append(
            {"id": number, "file_name": name, "width": size_px, "height": size_px,
             "split": "train", "group": person}
        )  # fmt: skip
        self.annotations.append(
            {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0,
             "keypoints": [round(float(v), 2) for v in rows.ravel()],
             "num_keypoints": int(inside.sum()),
             "bbox": [round(float(v), 2) for v in (*low, *(high - low))],
             "area": float(np.prod(high - low)), "side": side}
        )  # fmt: skip

    def write(self, folder: Path) -> None:
        content = {
            "info": {"licence": "CC0"},
            "categories": [{"id": 1, "name": "hand", "keypoints": list(KEYPOINTS)}],
            "images": self.images,
            "annotations": self.annotations,
        }
        write_atomically(folder / "annotations.json", json.dumps(content).encode())


def person_of(renderer: Any, seed: int) -> str:
    """Return the person of a seed without making the scene."""
    rng = np.random.default_rng(seed)
    age, tone, sex, variants = renderer.SKINS[rng.integers(len(renderer.SKINS))]
    return f"{age}_{tone}_{sex}_diffuse{variants[rng.integers(len(variants))]}"


def look_from_anywhere(renderer: Any, scene: Any, rng: np.random.Generator) -> bool:
    """Vary the open hand and place the camera on any side; return whether one sees both tips."""
    scene.qo = scene.qo + OPEN_SD * rng.normal(size=len(scene.qo))
    scene.thumb_share = rng.uniform(*THUMB_SHARE)
    turn, shift = scene.fk(0.0, aper=0.9)
    keypoint = scene.h.kps(turn, shift)
    tips = keypoint[[THUMB_TIP, INDEX_TIP]]
    knuckle = KEYPOINTS.index("index_mcp")
    centre = keypoint[[WRIST, THUMB_TIP, knuckle, INDEX_TIP]].mean(axis=0)
    weight = scene.b.W
    skin = np.einsum("nij,nj->ni", (weight @ turn.reshape(-1, 9)).reshape(-1, 3, 3), scene.v)
    skin = skin + weight @ shift
    for _ in range(MAX_CAMERAS):
        away = renderer.norm(rng.normal(size=3))
        eye = centre + rng.uniform(*CAMERA_M) * away
        if np.linalg.norm(skin - eye, axis=1).min() < NEAREST_M:
            continue
        if not scene.tips_visible(turn, shift, keypoint, eye) or any(
            _hides(skin, eye, tip) for tip in tips
        ):
            continue
        fingers = renderer.norm(keypoint[MIDDLE_MCP] - keypoint[WRIST])
        up = fingers if rng.random() < FINGERS_UP_SHARE else np.array([0.0, 1.0, 0.0])
        scene.eye, scene.V = eye, renderer.look(eye, centre, up + TILT_SD * rng.normal(size=3))
        return True
    return False


def _hides(skin: NDArray[np.float64], eye: NDArray[np.float64], tip: NDArray[np.float64]) -> bool:
    """Return whether any part of the person hides a tip; the renderer checks only the hand."""
    line = tip - eye
    far = float(np.linalg.norm(line))
    along = (skin - eye) @ (line / far)
    aside = np.linalg.norm(skin - eye - along[:, None] * (line / far), axis=1)
    return bool(((along > 0) & (along < far - BEFORE_TIP_M) & (aside < LINE_M)).any())


def cut_to_hand(scene: Any, place: NDArray[np.float64], size_px: int, rng: Any) -> None:
    """Crop the camera of a scene to a square about the hand; `place` as in `Labels.add`."""
    spot = place / size_px * 2 - 1
    low, high = spot.min(axis=0), spot.max(axis=0)
    half = (high - low).max() * rng.uniform(*HAND_TO_CROP_RATIO) / 2
    x, y = (low + high) / 2 + rng.uniform(-MAX_SHIFT, MAX_SHIFT, 2) * half
    cut = np.eye(4)
    cut[0, 0] = cut[1, 1] = 1 / half
    cut[0, 3], cut[1, 3] = -x / half, y / half
    scene.Pj = cut @ scene.Pj


def moments(
    renderer: Any, backend: Any, seed: int, size_px: int, *, count: int, whole: bool,
    anywhere: bool,
) -> Iterator[tuple[int, NDArray[np.uint8], NDArray[np.float64], str]]:  # fmt: skip
    """Yield number, image (RGB), keypoints in pixels and side of each moment of one person."""
    scene = renderer.Scene(seed, (size_px, size_px))
    rng = np.random.default_rng(seed + 99)
    if anywhere and not look_from_anywhere(renderer, scene, rng):
        return
    camera, loaded = scene.Pj.copy(), False
    for number, time_s in enumerate(rng.uniform(0, 4, count)):
        scene.Pj = camera
        place = scene.frame_geom(time_s)[1][:, :2]
        if whole:
            tips = place[[THUMB_TIP, INDEX_TIP]]
            if not ((tips > MARGIN_PX) & (tips < size_px - MARGIN_PX)).all():
                continue
        else:
            cut_to_hand(scene, place, size_px, rng)
        if not loaded:
            backend.load(scene)
            loaded = True
        image, keypoints = backend.frame(float(time_s), rng, sub=3)
        yield number, image, keypoints[:, :2], "right" if scene.flip else "left"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("synth", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int, help="The last seed and one.")
    parser.add_argument("--without", nargs="*", default=[], metavar="PERSON")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--anywhere", action="store_true")
    parser.add_argument("--size", type=int, help="Side of the images in pixels.")
    parser.add_argument("--moments", type=int, default=3, help="Images of each person.")
    options = parser.parse_args()
    os.environ.setdefault("LP_NUM_THREADS", "1")  # one process a core is faster
    sys.path.insert(0, str(options.synth))
    renderer = importlib.import_module("render_gl")
    cv2.setNumThreads(1)
    size_px = options.size or (WHOLE_PX if options.whole else CLOSE_PX)
    backend = renderer.GLBackend((size_px, size_px))
    (options.out / "images").mkdir(parents=True, exist_ok=True)
    labels = Labels()
    seeds = range(options.first, options.last)
    wanted = [s for s in seeds if person_of(renderer, s) not in options.without]
    for drawn, seed in enumerate(wanted, start=1):
        for number, image, place, side in moments(
            renderer, backend, seed, size_px, count=options.moments, whole=options.whole,
            anywhere=options.anywhere,
        ):  # fmt: skip
            name = f"images/{seed:07d}_{number}.jpg"
            cv2.imwrite(
                str(options.out / name), image[..., ::-1],
                [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
            )  # fmt: skip
            person = person_of(renderer, seed)
            labels.add(10 * seed + number, name, place, person=person, side=side, size_px=size_px)
        if drawn % SAVE_EVERY == 0:
            labels.write(options.out)
            print(f"to {seed}: {len(labels.images)} images", flush=True)
    labels.write(options.out)


if __name__ == "__main__":
    main()

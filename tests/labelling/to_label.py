"""A folder as `tapscope frames` writes it: painted hands with guesses beside the true places."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.hands import hand_shape, paint

SIZE = (160, 120)
OFF_PX = 6.0
"""The guess of the index tip is so far to the right of the truth."""


def true_tips(number: int) -> list[list[float]]:
    """Return where thumb tip and index tip of an image are."""
    shape = hand_shape(70 + 2 * number, 60, aperture=0.4, size=60)
    return [[round(float(v), 2) for v in shape[keypoint]] for keypoint in (4, 8)]


def made_folder(folder: Path, count: int = 4) -> Path:
    """Write the images and annotations.json."""
    (folder / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    hands: list[dict[str, Any]] = []
    for n in range(count):
        shape = hand_shape(70 + 2 * n, 60, aperture=0.4, size=60)
        name = f"images/rec-{n % 2}_f{n:06d}.png"
        pixels = paint([shape], width=SIZE[0], height=SIZE[1], radius=3)
        cv2.imwrite(str(folder / name), pixels[:, :, ::-1])
        images.append(
            {
                "id": n + 1, "file_name": name, "width": SIZE[0], "height": SIZE[1],
                "group": f"rec-{n % 2}", "recording": f"rec-{n % 2}", "frame": n,
                "time_s": n / 30, "doubt": 1.0, "corrected": False,
            }
        )  # fmt: skip
        thumb, index = true_tips(n)
        low, high = shape.min(axis=0), shape.max(axis=0)
        box = [*low.round(2).tolist(), *(high - low).round(2).tolist()]
        places = [*thumb, 2, round(index[0] + OFF_PX, 2), index[1], 2]
        hands.append(
            {
                "id": n + 1, "image_id": n + 1, "category_id": 1, "num_keypoints": 2,
                "keypoints": places, "bbox": box, "bbox_is_hand": True,
            }
        )  # fmt: skip
    content = {
        "info": {"description": "frames to label", "licence": "CC0"},
        "images": images,
        "annotations": hands,
        "categories": [{"id": 1, "name": "hand", "keypoints": ["thumb_tip", "index_tip"]}],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    for tool in ("cvat.xml", "label_studio.json"):
        (folder / tool).write_text("guesses")
    return folder


def written(folder: Path) -> tuple[list[dict[str, Any]], np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the rows of the images in annotations.json, and the keypoints, shape (n, 2, 3)."""
    content = json.loads((folder / "annotations.json").read_text())
    keypoints = [hand["keypoints"] for hand in content["annotations"]]
    return content["images"], np.array(keypoints, dtype=float).reshape(-1, 2, 3)

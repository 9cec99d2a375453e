"""How well weights place keypoints in crops of several sizes, and how long they make the hand.

    python -m tests.bench.crop_sizes WEIGHTS --data FOLDER [--group NAME ...] [--split SPLIT]
        [--size PX ...]

Prints for each size the share of tips within 0.05 and 0.1 of the hand and of all keypoints within
0.1, in centred crops and in crops as tracking takes them; and the median of wrist to middle knuckle
over its true length, in centred crops.
"""

import argparse
from pathlib import Path

import numpy as np

from tapscope.datasets import annotations
from tapscope.datasets.annotations import LabelledSet
from tapscope.hand import MIDDLE_MCP, TIPS, WRIST
from tapscope.network import weights
from tapscope.network.bundled_weights import find_weights
from tapscope.network.engine import Engine, make_engine
from tapscope.records import FloatArray
from tapscope.training.dataset import ValidationCrop, tracked_crops, validation_crops
from tapscope.training.validation import keypoint_indices

SEED = 3


def placed(engine: Engine, crops: list[ValidationCrop]) -> FloatArray:
    """Return the keypoints that are placed in each crop, crop pixels."""
    return np.concatenate([engine.keypoints(crop.pixels[None]).position_px for crop in crops])


def described(found: FloatArray, crops: list[ValidationCrop], tips: list[int]) -> str:
    """Return the shares of right tips and keypoints in words."""
    true = np.stack([crop.position_px for crop in crops])
    size = np.array([crop.hand_px for crop in crops])
    error = np.linalg.norm(found - true, axis=2) / size[:, None]
    every, of_tips = error[np.isfinite(error)], error[:, tips][np.isfinite(error[:, tips])]
    near, far = (100 * (of_tips < limit).mean() for limit in (0.05, 0.1))
    return f"tips {near:.1f} / {far:.1f} %, all keypoints {100 * (every < 0.1).mean():.1f} %"


def length(position_px: FloatArray) -> FloatArray:
    """Return wrist to middle knuckle."""
    found: FloatArray = np.linalg.norm(position_px[:, WRIST] - position_px[:, MIDDLE_MCP], axis=1)
    return found


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--split")
    parser.add_argument("--size", type=int, action="append", default=[])
    given = parser.parse_args()
    engine = make_engine(weights.read(find_weights(given.weights)), "cpu")
    loaded = annotations.load(given.data)
    chosen = tuple(
        image
        for image in loaded.images
        if (not given.group or image.group in given.group) and given.split in (None, image.split)
    )
    images = LabelledSet(chosen, loaded.keypoints)
    tips = keypoint_indices(images.keypoints, TIPS)
    for size_px in given.size or [engine.card.input_size_px]:
        centred = validation_crops(images, size_px, most=len(images))
        tracked = tracked_crops(images, size_px, most=len(images), seed=SEED)
        found = placed(engine, centred)
        ratio = length(found) / length(np.stack([crop.position_px for crop in centred]))
        print(
            f"{size_px} px: centred: {described(found, centred, tips)}; "
            f"tracked: {described(placed(engine, tracked), tracked, tips)}; "
            f"hand's length {np.nanmedian(ratio):.3f} of the true one",
            flush=True,
        )


if __name__ == "__main__":
    main()

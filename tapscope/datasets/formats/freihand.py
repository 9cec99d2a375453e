"""FreiHAND (Zimmermann et al. 2019, arXiv:1909.04349): `training_xyz.json` and `training_K.json`.

Keypoints are in metres in camera coordinates; the camera matrix K projects them:
(u, v, 1) = K (x, y, z) / z. Images are in `training/rgb`; after the first round the same hands
follow with other backgrounds. All hands are right hands.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from tapscope.datasets.formats.base import Format, Frame, read_json, whole_hand
from tapscope.errors import AnnotationError
from tapscope.records import FloatArray

_ENDING: Final = "_xyz.json"
_SPLITS: Final = {"training": "train", "evaluation": "test"}
_BLOCK: Final = 100
"""Consecutive images in a group, with their later rounds: they may be of one recording."""


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        return [
            path / f"{part}{_ENDING}" for part in _SPLITS if (path / f"{part}{_ENDING}").exists()
        ]
    return [path] if path.name.removesuffix(_ENDING) in _SPLITS else []


def _read(path: Path) -> list[Frame]:
    part = path.name.removesuffix(_ENDING)
    cameras = path.with_name(f"{part}_K.json")
    try:
        xyz_m = np.array(read_json(path), dtype=np.float64)
        matrices = np.array(read_json(cameras), dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise AnnotationError(f"{path}: no table of numbers ({problem})") from problem
    if xyz_m.ndim != 3 or xyz_m.shape[2] != 3 or matrices.shape != (len(xyz_m), 3, 3):
        raise AnnotationError(
            f"{path}: {xyz_m.shape} numbers, and {matrices.shape} in {cameras.name}; expected "
            "(images, keypoints, 3) and (images, 3, 3)"
        )
    return list(_frames(path, part, xyz_m, matrices))


def _frames(path: Path, part: str, xyz_m: FloatArray, matrices: FloatArray) -> Iterator[Frame]:
    for number in itertools.count():
        image = f"{part}/rgb/{number:08d}.jpg"
        # the first round must be complete; the others may be absent
        if number >= len(xyz_m) and not (path.parent / image).is_file():
            return
        which = number % len(xyz_m)
        with np.errstate(all="ignore"):  # what is not finite is refused below
            projected = xyz_m[which] @ matrices[which].T
            points = (projected[:, :2] / projected[:, 2:]).tolist()
        if (projected[:, 2] <= 0).any():
            raise AnnotationError(f"{path}: image {which} has a keypoint behind its camera")
        hand = whole_hand(points, "right", f"{path}: image {which}")
        yield Frame(path.parent, image, (hand,), _SPLITS[part], f"{part}/{which // _BLOCK}")


FORMAT: Final = Format("freihand", "FreiHAND (training_xyz.json, training_K.json)", _find, _read)

"""Folders of labelled images: COCO keypoints in `annotations.json`, with the images beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import AnnotationError
from tapscope.files import is_file, read_json
from tapscope.records import FloatArray


class Label(IntEnum):
    """What is known of a keypoint's position."""

    NONE = 0
    PSEUDO = 1
    """Placed by another network."""
    SURE = 2
    """Placed by hand where it can be seen, or computed by a renderer."""
    HIDDEN = 3
    """Placed by hand or computed, but something hides the keypoint in the image."""


@dataclass(frozen=True, slots=True)
class LabelledHand:
    """The keypoints of one hand in one image."""

    position_px: FloatArray
    """x and y of each keypoint, centre of the top left pixel = 0; shape (keypoints, 2)."""
    label: NDArray[np.int_]
    """A `Label` for each keypoint, shape (keypoints,)."""
    side: str
    """'left', 'right' or '' where it is unknown."""
    box_px: FloatArray
    """Left, top, right, bottom of the hand."""
    box_is_hand: bool = False
    """Whether the box holds the whole hand, however few of its keypoints are labelled."""

    @property
    def centre_px(self) -> FloatArray:
        """Centre of the box, shape (2,)."""
        return (self.box_px[:2] + self.box_px[2:]) / 2

    @property
    def size_px(self) -> float:
        """Longer side of the hand: that of the box, or 1.8 times it with few labels; NaN unknown.

        Where the box is not known to hold the hand and less than half the keypoints are labelled,
        mostly tips, the box lacks the palm. The factor is right for five tips (medians of 1.7 to
        1.9 on fully labelled hands) and too small for thumb and index tip alone (2.6 and more). A
        single label whose box is a point tells no size.
        """
        side = float(max(self.box_px[2] - self.box_px[0], self.box_px[3] - self.box_px[1]))
        if side <= 0:
            return float("nan")
        is_whole = self.box_is_hand or (self.label > Label.NONE).mean() >= 0.5
        return side if is_whole else 1.8 * side


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image and its hands."""

    path: Path
    width: int
    height: int
    dataset: str
    """Name of its folder."""
    group: str
    """Images of one group are similar (one video, one person) and stay on one side of a split."""
    split: str
    """'train', 'test' or '' where the annotations do not say."""
    hands: tuple[LabelledHand, ...]

    def pixels(self) -> NDArray[np.uint8]:
        """Read the image, RGB, shape (height, width, 3)."""
        found = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if found is None:
            raise AnnotationError(f"{self.path}: cannot be read as an image; replace or remove it")
        if found.shape[:2] != (self.height, self.width):
            raise AnnotationError(
                f"{self.path}: is {found.shape[1]} x {found.shape[0]} pixels, its annotation says "
                f"{self.width} x {self.height}; correct annotations.json"
            )
        return np.ascontiguousarray(found[:, :, ::-1]).astype(np.uint8, copy=False)


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """Labelled images with the same list of keypoints."""

    images: tuple[LabelledImage, ...]
    keypoints: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def where(self, keep: Callable[[LabelledImage], bool]) -> "LabelledSet":
        """Return the images for which `keep` is true."""
        return LabelledSet(tuple(i for i in self.images if keep(i)), self.keypoints)


def load(folder: Path, *, split: str | None = None) -> LabelledSet:
    """Read `folder/annotations.json`; images that wait for correction are left out.

    A visibility of 1 is a hidden keypoint, as COCO says, where `labelled_by` is missing, "manual"
    or begins with "exact"; else another network placed the keypoint.

    Parameters
    ----------
    folder
        Holds annotations.json (COCO keypoints); file names in it are relative to the folder.
    split
        Keep only images of this split; None keeps all.

    Raises
    ------
    AnnotationError
        The file is missing or malformed, an image is missing, or no image is left.
    """
    file = folder / "annotations.json"
    if not folder.exists():
        raise AnnotationError(f"{folder}: no such folder; check the path given with --data")
    if not file.is_file():
        raise AnnotationError(
            f"{folder}: no annotations.json in it; give a folder of labelled frames "
            "(COCO keypoints, see the README's page on training)"
        )
    content = read_json(file, AnnotationError)
    try:
        keypoints = tuple(str(name) for name in content["categories"][0]["keypoints"])
        hands: dict[int, list[LabelledHand]] = {}
        for row in content["annotations"]:
            if not row.get("iscrowd"):
                hands.setdefault(row["image_id"], []).append(_hand(row, len(keypoints)))
        # False: the labels are still the guesses that `tapscope frames` wrote.
        rows = [row for row in content["images"] if row.get("corrected", True)]
        images = [_image(row, folder, hands.get(row["id"], [])) for row in rows]
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        raise AnnotationError(
            f"{file}: not COCO keypoints ({type(problem).__name__}: {problem}); expected images, "
            "annotations with keypoints [x, y, visibility, ...] and categories with keypoint names"
        ) from problem
    if content["images"] and not rows:
        raise AnnotationError(
            f"{file}: no image has been corrected; the labels are the network's guesses. Correct "
            'them, and set "corrected" to true in the images that are right'
        )
    kept = tuple(i for i in images if i.hands and (split is None or i.split == split))
    if not kept:
        wanted = "" if split is None else f" with split {split!r}"
        raise AnnotationError(f"{file}: holds no labelled image{wanted}")
    for image in kept:
        if not is_file(image.path):
            raise AnnotationError(f"{image.path}: named in {file.name}, but not there")
    return LabelledSet(kept, keypoints)


def _hand(row: dict[str, Any], keypoints: int) -> LabelledHand:
    values = np.asarray(row["keypoints"], dtype=float).reshape(keypoints, 3)
    if not np.isfinite(values[values[:, 2] != Label.NONE]).all():
        raise ValueError(f"a labelled keypoint of image {row['image_id']} is not finite")
    label = np.clip(values[:, 2], Label.NONE, Label.SURE).astype(int)
    labelled_by = str(row.get("labelled_by", "manual"))
    if labelled_by == "manual" or labelled_by.startswith("exact"):
        label[label == 1] = Label.HIDDEN
    position = np.where(label[:, None] > Label.NONE, values[:, :2], np.nan)
    if "bbox" in row:
        left, top, width, height = (float(v) for v in row["bbox"])
        box = np.array([left, top, left + width, top + height])
    elif (label > Label.NONE).any():
        box = np.concatenate([np.nanmin(position, axis=0), np.nanmax(position, axis=0)])
    else:
        raise ValueError("a hand with neither bbox nor labelled keypoint")
    side = str(row.get("side", ""))
    return LabelledHand(position, label, side, box, bool(row.get("bbox_is_hand", False)))


def _image(row: dict[str, Any], folder: Path, hands: list[LabelledHand]) -> LabelledImage:
    return LabelledImage(
        path=folder / row["file_name"],
        width=int(row["width"]),
        height=int(row["height"]),
        dataset=folder.name,
        group=str(row.get("group", "")),
        split=str(row.get("split", "")),
        hands=tuple(h for h in hands if (h.label > Label.NONE).any()),
    )


def merge(sets: Sequence[LabelledSet]) -> LabelledSet:
    """Join several sets by the names of their keypoints; keypoints that a set lacks are unlabelled.

    Raises
    ------
    AnnotationError
        No set has all keypoints.
    """
    keypoints = max((s.keypoints for s in sets), key=len)
    images: list[LabelledImage] = []
    for one in sets:
        unknown = set(one.keypoints) - set(keypoints)
        if unknown:
            raise AnnotationError(
                f"{one.images[0].dataset}: keypoints {sorted(unknown)} are in no other set; "
                "folders that are trained together must name their keypoints alike"
            )
        images += [with_keypoints(image, one.keypoints, keypoints) for image in one.images]
    return LabelledSet(tuple(images), keypoints)


def with_keypoints(image: LabelledImage, old: Sequence[str], new: Sequence[str]) -> LabelledImage:
    """Return the image with the keypoints `new`, in this order; those not in `old` are unlabelled.

    Parameters
    ----------
    image
        Labelled with the keypoints `old`.
    """
    if tuple(old) == tuple(new):
        return image
    source = [old.index(name) if name in old else -1 for name in new]
    hands = []
    for hand in image.hands:
        position = np.stack([hand.position_px[j] if j >= 0 else [np.nan] * 2 for j in source])
        label = np.array([hand.label[j] if j >= 0 else Label.NONE for j in source])
        hands.append(replace(hand, position_px=position, label=label))
    return LabelledImage(
        image.path, image.width, image.height, image.dataset, image.group, image.split,
        tuple(hands),
    )  # fmt: skip


def without_test_images(images: LabelledSet, folder: Path) -> LabelledSet:
    """Return the images of a folder that are not marked as test.

    Raises
    ------
    AnnotationError
        Every image is marked as test.
    """
    kept = images.where(lambda image: image.split != "test")
    if not len(kept):
        raise AnnotationError(f"{folder}: every image in it is marked as test; none is left")
    return kept


def with_known_size(images: LabelledSet) -> LabelledSet:
    """Return the images in which the size of every hand is known, see `LabelledHand.size_px`.

    Raises
    ------
    AnnotationError
        Nothing is left.
    """
    kept = images.where(lambda image: all(np.isfinite(hand.size_px) for hand in image.hands))
    if not len(kept):
        raise AnnotationError(
            "no hand has two labelled keypoints, so the size of no hand is known; label both tips "
            "in some images"
        )
    return kept


def only_keypoints(images: LabelledSet, keypoints: Sequence[str]) -> LabelledSet:
    """Return the images with some of their keypoints; a hand that has none of them is left out.

    Raises
    ------
    AnnotationError
        The set has no such keypoint, or nothing is left.
    """
    unknown = sorted(set(keypoints) - set(images.keypoints))
    if unknown:
        raise AnnotationError(
            f"no keypoints {', '.join(unknown)} in {images.images[0].dataset}; there are "
            f"{', '.join(images.keypoints)}"
        )
    kept = []
    for image in images.images:
        fewer = with_keypoints(image, images.keypoints, keypoints)
        hands = [
            # With fewer labels `size_px` would estimate another size: scale the box to the old one.
            replace(few, box_px=_scaled_box(hand.box_px, hand.size_px))
            for few, hand in zip(fewer.hands, image.hands, strict=True)
            if (few.label > Label.NONE).any()
        ]
        if hands:
            kept.append(replace(fewer, hands=tuple(hands)))
    if not kept:
        raise AnnotationError(f"no hand with a label for {', '.join(keypoints)}")
    return LabelledSet(tuple(kept), tuple(keypoints))


def _scaled_box(box_px: FloatArray, side: float) -> FloatArray:
    """Return the box scaled about its centre so that its longer side is `side`; as it is if NaN."""
    if np.isnan(side):
        return box_px
    middle, half = (box_px[:2] + box_px[2:]) / 2, (box_px[2:] - box_px[:2]) / 2
    half = half * (side / max(2 * float(half.max()), 1e-9))
    return np.concatenate([middle - half, middle + half])

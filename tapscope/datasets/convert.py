"""Labels of a tool or a public set -> a folder that `tapscope train` and `evaluate` read."""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from tapscope.datasets import formats
from tapscope.datasets.formats.base import Point
from tapscope.errors import AnnotationError, OutputError
from tapscope.hand import KEYPOINTS
from tapscope.output.table import json_bytes, write_result

_SIDES: Final = ("left", "right")
_UPLOADED: Final = re.compile(r"[0-9a-f]{8}-(.+)")
"""Label Studio puts eight digits before the name of what is uploaded."""
LABELLED_BY_HAND: Final = 2
"""Visibility of a keypoint placed by hand, see `annotations.LabelledHand`."""


class Meaning(NamedTuple):
    """What a name in the labels stands for."""

    keypoint: str
    """One of `hand.KEYPOINTS`, or '' for a label that is dropped."""
    side: str = ""
    """'left', 'right', or '' where the name does not say."""

    @classmethod
    def of(cls, name: str) -> "Meaning | None":
        """Read a name as tapscope or MediaPipe spell it, with or without a side; None if other."""
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        side = next((side for side in _SIDES if plain.startswith(f"{side}_")), "")
        keypoint = (
            plain.removeprefix(f"{side}_").replace("_finger_", "_").replace("pinky", "little")
        )
        return cls(keypoint, side) if keypoint in KEYPOINTS else None


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written."""

    format: str
    images: int
    hands: int
    keypoints: tuple[str, ...]
    dropped: tuple[str, ...]
    """Names of labels that were dropped on request."""
    unlabelled: int
    """Images without a label, left out."""


def convert(
    source: Path,
    out: Path,
    *,
    keypoints: Mapping[str, str],
    images: Path | None = None,
    licence: str = "",
) -> Converted:
    """Read labels, copy their images, and write COCO keypoints.

    Parameters
    ----------
    source
        A file of labels or a folder that holds them, see `formats.FORMATS`.
    out
        The folder to write; it must be empty or not exist.
    keypoints
        Names in the labels to those of `hand.KEYPOINTS`, with the hand before where a name tells it
        ("left thumb_tip"), or to '' for what is to be dropped. Names that are spelt so themselves,
        or as MediaPipe does, are known without.
    images
        Where the images lie, if not beside the labels.
    licence
        Of the images; it will stand on the card of weights trained on them.

    Raises
    ------
    AnnotationError
        The labels or an image cannot be used, or it is not known which keypoint a name means.
    OutputError
        `out` is not empty, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: is not empty; name a new folder")
    tool, frames = formats.read(source)
    names = _meaning_of_names(frames, keypoints, source)
    kept = [(frame, hands) for frame in frames if (hands := list(_hands(frame, names)))]
    if not kept:
        raise AnnotationError(f"{source}: no image bears a label of a keypoint that is kept")
    order = [
        keypoint
        for keypoint in KEYPOINTS
        if keypoint in {meaning.keypoint for meaning in names.values()}
    ]
    files = [_find_image(frame, images) for frame, _ in kept]
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise AnnotationError(
            f"{twice}: meant by two images of the labels, or labelled by two people; give one "
            "file of labels, and images whose names differ"
        )
    copies = [f"images/{n:06d}{file.suffix.lower()}" for n, file in enumerate(files, 1)]
    info = {"description": f"converted from {tool.title}"}
    if licence:
        info["licence"] = licence
    content = {"info": info, **_coco(kept, files, copies, order)}
    for file, copy in zip(files, copies, strict=True):
        _copy(file, out / copy)
    write_result(out / "annotations.json", json_bytes(content))
    return Converted(
        tool.title,
        len(kept),
        sum(len(hands) for _, hands in kept),
        tuple(order),
        tuple(sorted(name for name, meaning in names.items() if not meaning.keypoint)),
        len(frames) - len(kept),
    )


def _coco(
    kept: Sequence[tuple[formats.Frame, Sequence[formats.Hand]]],
    files: Sequence[Path],
    copies: Sequence[str],
    order: Sequence[str],
) -> dict[str, object]:
    """Return images, hands and keypoints as annotations.json holds them."""
    image_rows = [
        {"id": number, "file_name": copy, **_image_row(frame, file)}
        for number, ((frame, _), file, copy) in enumerate(zip(kept, files, copies, strict=True), 1)
    ]
    hand_rows = [
        {"image_id": number, "category_id": 1, **_hand_row(hand, order)}
        for number, (_, hands) in enumerate(kept, 1)
        for hand in hands
    ]
    return {
        "images": image_rows,
        "annotations": [{"id": number, **row} for number, row in enumerate(hand_rows, 1)],
        "categories": [{"id": 1, "name": "hand", "keypoints": order}],
    }


def _meaning_of_names(
    frames: Sequence[formats.Frame], told: Mapping[str, str], source: Path
) -> dict[str, Meaning]:
    """Return what each name in the labels stands for.

    Raises
    ------
    AnnotationError
        It is not known, or two names mean one keypoint.
    """
    found = sorted({name for frame in frames for hand in frame.hands for name in hand.points_px})
    absent = sorted(set(told) - set(found))
    if absent:
        raise AnnotationError(
            f"--joint {absent[0]}: {source} has no such label; it has {', '.join(found)[:300]}"
        )
    names: dict[str, Meaning] = {}
    unknown: list[str] = []
    for name in found:
        text = told.get(name, name)
        meaning = Meaning.of(text) if text else Meaning("")
        if meaning is None:
            unknown.append(name)
        else:
            names[name] = meaning
    if unknown:
        name = unknown[0]
        what = (
            f"--joint {name}={told[name]}"
            if name in told
            else f"{source}: which keypoint is {name}"
        )
        more = f"; nor is it known what {', '.join(unknown[1:])} mean" if unknown[1:] else ""
        raise AnnotationError(
            f'{what}? Say it with --joint "{name}=thumb_tip" (or "{name}=left thumb_tip"), or '
            f'drop it with --joint "{name}="{more}; the keypoints are {", ".join(KEYPOINTS)}'
        )
    meant = [meaning for meaning in names.values() if meaning.keypoint]
    twice = next((meaning for meaning in meant if meant.count(meaning) > 1), None)
    if twice:
        raise AnnotationError(
            f"{source}: several names mean {' '.join(reversed(twice)).strip()} "
            f'({", ".join(found)[:300]}); drop one with --joint "NAME="'
        )
    return names


def _hands(frame: formats.Frame, names: Mapping[str, Meaning]) -> Iterator[formats.Hand]:
    """Yield the hands of a frame under the names of `hand.KEYPOINTS`; names may tell them apart."""
    for hand in frame.hands:
        sides: dict[str, dict[str, Point]] = {}
        for name, place in hand.points_px.items():
            keypoint, side = names[name]
            if keypoint:
                sides.setdefault(side or hand.side, {})[keypoint] = place
        for side, places in sides.items():
            yield formats.Hand(places, side)


def _find_image(frame: formats.Frame, images: Path | None) -> Path:
    """Return the file of a frame's image.

    Raises
    ------
    AnnotationError
        It is not there.
    """
    path = PurePosixPath(frame.image.replace("\\", "/").lstrip("/"))
    uploaded = _UPLOADED.fullmatch(path.name)
    folders = [images] if images else [frame.folder, frame.folder / "images"]
    tries = [folder / each for folder in folders for each in (path, path.name)]
    if uploaded:
        tries += [folder / uploaded[1] for folder in folders]
    for file in tries:
        if ".." not in path.parts and file.is_file():
            return file
    where = " or ".join(str(folder) for folder in folders)
    raise AnnotationError(f"{frame.image}: labelled, but not in {where}; give --images FOLDER")


def _image_row(frame: formats.Frame, file: Path) -> dict[str, Any]:
    pixels = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if pixels is None:
        raise AnnotationError(f"{file}: cannot be read as an image; replace it or its label")
    # Frames of one video differ by a number at the end of their names: near-copies.
    scene = re.sub(r"[\d_.-]+$", "", file.stem)
    row = {
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "group": frame.group or f"{file.parent.name}/{scene}",
        "source": frame.image,
    }
    return {**row, "split": frame.split} if frame.split else row


def _hand_row(hand: formats.Hand, order: Sequence[str]) -> dict[str, Any]:
    placed = hand.points_px
    low, high = (limit(list(placed.values()), axis=0) for limit in (np.min, np.max))
    row = {
        "keypoints": [
            number
            for keypoint in order
            for number in (
                (*placed[keypoint], LABELLED_BY_HAND) if keypoint in placed else (0, 0, 0)
            )
        ],
        "num_keypoints": len(placed),
        "bbox": [*low.tolist(), *(high - low).tolist()],
    }
    return {**row, "side": hand.side} if hand.side else row


def _copy(file: Path, copy: Path) -> None:
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    except OSError as problem:
        raise OutputError(f"{copy}: cannot be written ({problem.strerror})") from problem

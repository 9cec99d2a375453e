"""Convert labels of a tool or a public set to a folder of COCO keypoints: `tapscope convert`."""

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
from tapscope.files import is_file
from tapscope.hand import KEYPOINTS
from tapscope.output.checks import check_folder
from tapscope.output.table import json_bytes, write_result

_SIDES: Final = ("left", "right")
_UPLOADED: Final = re.compile(r"[0-9a-f]{8}-(.+)")
"""Label Studio puts eight hexadecimal digits before the name of an uploaded file."""
LABELLED_BY_HAND: Final = 2
"""Visibility, see `annotations.LabelledHand`."""


class Meaning(NamedTuple):
    """Meaning of a name in the labels."""

    keypoint: str
    """One of `hand.KEYPOINTS`, or '' for a label that is dropped."""
    side: str = ""
    """'left', 'right', or '' where the name has no side."""

    @classmethod
    def of(cls, name: str) -> "Meaning | None":
        """Read a name as tapscope or MediaPipe spells it, with or without a side; else None."""
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        side = next((side for side in _SIDES if plain.startswith(f"{side}_")), "")
        keypoint = (
            plain.removeprefix(f"{side}_").replace("_finger_", "_").replace("pinky", "little")
        )
        return cls(keypoint, side) if keypoint in KEYPOINTS else None


@dataclass(frozen=True, slots=True)
class Converted:
    """Summary of a conversion."""

    format: str
    images: int
    hands: int
    keypoints: tuple[str, ...]
    dropped: tuple[str, ...]
    """Names of labels that were dropped on request."""
    unlabelled: int
    """Number of images left out because they have no label."""


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
        A file or a folder of labels, see `formats.FORMATS`.
    out
        The folder to write; it must be empty or not exist.
    keypoints
        Maps names in the labels to one of `hand.KEYPOINTS`, with a side before it ("left
        thumb_tip") where the name has one, or to '' to drop the label. Names in the spelling of
        `hand.KEYPOINTS` or of MediaPipe need no entry.
    images
        Folder of the images, if they are not beside the labels.
    licence
        Licence of the images, for the card of weights trained on them.

    Raises
    ------
    AnnotationError
        The labels or an image cannot be used, or the meaning of a name is unknown.
    OutputError
        `out` is not empty, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: is not empty; name a new folder")
    check_folder(out)
    tool, frames = formats.read(source)
    names = _meaning_of_names(frames, keypoints, source)
    kept = [(frame, hands) for frame in frames if (hands := list(_hands(frame, names)))]
    if not kept:
        raise AnnotationError(f"{source}: no image has a label of a keypoint that is kept")
    order = [
        keypoint
        for keypoint in KEYPOINTS
        if keypoint in {meaning.keypoint for meaning in names.values()}
    ]
    files = [_find_image(frame, images) for frame, _ in kept]
    if len(set(files)) < len(files):
        twice = next(file for file in files if files.count(file) > 1)
        raise AnnotationError(
            f"{twice}: two entries of the labels name this image; give one file of labels, each "
            "image labelled once, and images whose names differ"
        )
    copies = [f"images/{n:06d}{file.suffix.lower()}" for n, file in enumerate(files, 1)]
    info = {"description": f"converted from {tool.title}"}
    if licence:
        info["licence"] = licence
    content = {"info": info, **_coco(kept, files, copies, order)}
    is_new = not out.exists()
    try:
        for file, copy in zip(files, copies, strict=True):
            _copy(file, out / copy)
        write_result(out / "annotations.json", json_bytes(content))
    except BaseException:  # Ctrl-C, too: a part of the images is of no use, and in the way
        shutil.rmtree(out if is_new else out / "images", ignore_errors=True)
        raise
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
    """Return the content of annotations.json."""
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
    frames: Sequence[formats.Frame], given: Mapping[str, str], source: Path
) -> dict[str, Meaning]:
    """Return the meaning of each name in the labels; `given` overrides its spelling.

    Raises
    ------
    AnnotationError
        A meaning is unknown, or two names mean the same keypoint.
    """
    found = sorted({name for frame in frames for hand in frame.hands for name in hand.points_px})
    absent = sorted(set(given) - set(found))
    if absent:
        raise AnnotationError(
            f"--joint {absent[0]}: {source} has no such label; it has {', '.join(found)[:300]}"
        )
    names: dict[str, Meaning] = {}
    unknown: list[str] = []
    for name in found:
        text = given.get(name, name)
        meaning = Meaning.of(text) if text else Meaning("")
        if meaning is None:
            unknown.append(name)
        else:
            names[name] = meaning
    if unknown:
        name = unknown[0]
        what = (
            f"--joint {name}={given[name]}"
            if name in given
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
    """Yield the hands of a frame with the names of `hand.KEYPOINTS`.

    Names with a side split the points of one frame into two hands.
    """
    for hand in frame.hands:
        sides: dict[str, dict[str, Point]] = {}
        for name, place in hand.points_px.items():
            keypoint, side = names[name]
            if keypoint:
                sides.setdefault(side or hand.side, {})[keypoint] = place
        for side, points_px in sides.items():
            # One box cannot be that of two hands.
            yield formats.Hand(points_px, side, hand.box_px if len(sides) == 1 else None)


def _find_image(frame: formats.Frame, images: Path | None) -> Path:
    """Return the path of a frame's image.

    Raises
    ------
    AnnotationError
        There is no such file.
    """
    path = PurePosixPath(frame.image.replace("\\", "/").lstrip("/"))
    uploaded = _UPLOADED.fullmatch(path.name)
    folders = [images] if images else [frame.folder, frame.folder / "images"]
    tries = [folder / each for folder in folders for each in (path, path.name)]
    if uploaded:
        tries += [folder / uploaded[1] for folder in folders]
    for file in tries:
        if ".." not in path.parts and is_file(file):
            return file
    where = " or ".join(str(folder) for folder in folders)
    raise AnnotationError(f"{frame.image}: labelled, but not in {where}; give --images FOLDER")


def _image_row(frame: formats.Frame, file: Path) -> dict[str, Any]:
    pixels = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if pixels is None:
        raise AnnotationError(f"{file}: cannot be read as an image; replace it or its label")
    # Frames of one video, whose names differ only by a number at the end, form one group.
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
    if hand.box_px:
        left, top, right, bottom = hand.box_px
        row |= {"bbox": [left, top, right - left, bottom - top], "bbox_is_hand": True}
    return {**row, "side": hand.side} if hand.side else row


def _copy(file: Path, copy: Path) -> None:
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    except OSError as problem:
        raise OutputError(f"{copy}: cannot be written ({problem.strerror})") from problem

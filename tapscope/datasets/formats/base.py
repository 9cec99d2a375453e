"""Labels as a labelling tool or a public set holds them, and functions that read them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from tapscope import files
from tapscope.errors import AnnotationError
from tapscope.hand import KEYPOINTS

Point = tuple[float, float]

HAND_BOX: Final = "hand"
"""Label of the box about a hand, from which training learns its size."""


@dataclass(frozen=True, slots=True)
class Hand:
    """The labelled keypoints of one hand in one image."""

    points_px: Mapping[str, Point]
    """x and y by the tool's name of the keypoint, centre of the top left pixel = 0; without
    unlabelled keypoints."""
    side: str = ""
    """'left', 'right' or '' where the labels do not say."""
    box_px: tuple[float, float, float, float] | None = None
    """Left, top, right, bottom of the whole hand, where the labels have a box `HAND_BOX`."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One image with its hands."""

    folder: Path
    """Folder of the labels; the image is there, in `images/` there, or elsewhere."""
    image: str
    """Its name or path in the labels."""
    hands: tuple[Hand, ...]
    split: str = ""
    """'train', 'test' (never trained on), or '' where the labels do not say."""
    group: str = ""
    """See `annotations.LabelledImage`; '' to derive it from the names of the images."""


@dataclass(frozen=True, slots=True)
class GuessedImage:
    """An image with the network's guess of one hand, to be corrected in a labelling tool."""

    file_name: str
    """Relative to the folder of labels."""
    width: int
    height: int
    points_px: Mapping[str, Point]
    """x and y by keypoint, centre of the top left pixel = 0."""
    box_px: tuple[float, float, float, float]
    """Left, top, right, bottom of the whole hand."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of labels."""

    name: str
    title: str
    """Name of the tool or the set, for messages."""
    find: Callable[[Path], Sequence[Path]]
    """Returns the files of labels of this format at a path (file or folder); raises only
    OSError."""
    read: Callable[[Path], Sequence[Frame]]
    """Reads one of these files; raises AnnotationError."""


def side_in(name: str) -> str:
    """Return the side in a name: 'left', 'right', or '' where there is none or both."""
    lower = name.lower()
    sides = [side for side in ("left", "right") if side in lower]
    return sides[0] if len(sides) == 1 else ""


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises
    ------
    AnnotationError
        It cannot be read as JSON.
    """
    return files.read_json(path, AnnotationError)


def read_xml(path: Path) -> ElementTree.Element:
    """Return the root of an XML file.

    Raises
    ------
    AnnotationError
        It cannot be read as XML.
    """
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError) as problem:
        raise AnnotationError(f"{path}: cannot be read as XML ({problem})") from problem


def finite_point(x: float, y: float, where: str, unit: str = "pixels") -> Point:
    """Return x and y as a point.

    Raises
    ------
    AnnotationError
        One is not finite; `where` names file, image and keypoint.
    """
    if not (math.isfinite(x) and math.isfinite(y)):
        raise AnnotationError(f"{where} is at {x}, {y}; expected {unit}")
    return x, y


def whole_hand(points: Iterable[Sequence[float] | None], side: str, where: str) -> Hand:
    """Return a hand from all its keypoints, in the order of `hand.KEYPOINTS`.

    Parameters
    ----------
    points
        Sequences that start with x and y; None for a keypoint without label.
    side
        'left', 'right' or ''.
    where
        File and image, for messages.

    Raises
    ------
    AnnotationError
        The number of keypoints is wrong, or a coordinate is not finite.
    """
    given = list(points)
    if len(given) != len(KEYPOINTS):
        raise AnnotationError(f"{where}: {len(given)} keypoints; expected {len(KEYPOINTS)}")
    points_px = {}
    for keypoint, point in zip(KEYPOINTS, given, strict=True):
        if point is None:
            continue
        try:
            x, y = float(point[0]), float(point[1])
        except (TypeError, ValueError, IndexError) as problem:
            raise AnnotationError(
                f"{where}: {keypoint} is {point!r:.60}; expected x, y"
            ) from problem
        points_px[keypoint] = finite_point(x, y, f"{where}: {keypoint}")
    return Hand(points_px, side)

"""What a labelling tool or a public set holds, before its keypoints bear our names."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tapscope.errors import AnnotationError
from tapscope.hand import KEYPOINTS

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Hand:
    """The labelled keypoints of one hand in one image."""

    points_px: Mapping[str, Point]
    """x and y by the tool's name of the keypoint, centre of the top left pixel = 0; labelled ones
    only."""
    side: str = ""
    """'left', 'right' or '' where the labels do not say."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One image with its hands."""

    folder: Path
    """Where the labels lie; the image lies there, in `images/` there, or elsewhere."""
    image: str
    """Its name or path as the labels have it."""
    hands: tuple[Hand, ...]
    split: str = ""
    """'test' for what is never trained on; '' where the labels do not say."""
    group: str = ""
    """Near-copies share one; '' to tell them by the names of the images."""


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the registry of labels that can be read."""

    name: str
    title: str
    """What people call it."""
    find: Callable[[Path], Sequence[Path]]
    """Returns the files of labels that a path (file or folder) holds; raises OSError only."""
    read: Callable[[Path], Sequence[Frame]]
    """Reads one of them; raises AnnotationError."""


def side_in(name: str) -> str:
    """Return which hand a name speaks of: 'left', 'right' or ''."""
    lower = name.lower()
    sides = [side for side in ("left", "right") if side in lower]
    return sides[0] if len(sides) == 1 else ""


def read_json(path: Path) -> Any:
    """Return what a JSON file holds; AnnotationError where it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as problem:
        raise AnnotationError(f"{path}: cannot be read as JSON ({problem})") from problem


def read_xml(path: Path) -> ElementTree.Element:
    """Return the root of an XML file; AnnotationError where it is none."""
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError) as problem:
        raise AnnotationError(f"{path}: cannot be read as XML ({problem})") from problem


def whole_hand(points: Iterable[Sequence[float] | None], side: str, where: str) -> Hand:
    """Return a hand of which all keypoints are given in the order of `hand.KEYPOINTS`.

    Parameters
    ----------
    points
        x and y of each keypoint, more is not looked at; None where it has no label.
    side
        'left', 'right' or ''.
    where
        For the message: file and image.

    Raises
    ------
    AnnotationError
        Another number of keypoints, or one that does not lie at two finite numbers.
    """
    given = list(points)
    if len(given) != len(KEYPOINTS):
        raise AnnotationError(f"{where}: {len(given)} keypoints; expected {len(KEYPOINTS)}")
    places = {}
    for keypoint, point in zip(KEYPOINTS, given, strict=True):
        if point is None:
            continue
        try:
            x, y = float(point[0]), float(point[1])
        except (TypeError, ValueError, IndexError) as problem:
            raise AnnotationError(
                f"{where}: {keypoint} is {point!r:.60}; expected x, y"
            ) from problem
        if not (math.isfinite(x) and math.isfinite(y)):
            raise AnnotationError(f"{where}: {keypoint} lies at {x}, {y}; expected pixels")
        places[keypoint] = (x, y)
    return Hand(places, side)

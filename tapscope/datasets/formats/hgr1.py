"""HGR1 (Kawulok and others 2014, doi 10.1186/1687-6180-2014-170): one XML file per image.

`feature_points/1_P_hgr1_id01_1.xml` beside `original_images/1_P_hgr1_id01_1.jpg`: gesture, set,
person and number. In <IMAGE>, each <hand> has <FeaturePoint category= type= x= y=>, two of them
with the category "Wrist"; `wrist` is their midpoint. We know the published format, but not the
words for the other points, so a label's name is category and type together.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tapscope.datasets.formats.base import Format, Frame, Hand, Point, finite_point, read_xml
from tapscope.errors import AnnotationError

_NAME: Final = re.compile(r".+_hgr\w+_id\d+_\d+")
_IMAGE_FOLDERS: Final = ("original_images", "hgr1_images/original_images")
_WRIST: Final = "wrist"


def _find(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(file for file in path.rglob("*.xml") if _NAME.fullmatch(file.stem))


def _read(path: Path) -> list[Frame]:
    root = read_xml(path)
    if root.tag != "IMAGE":
        raise AnnotationError(f"{path}: not of HGR1: <{root.tag}> where <IMAGE> is expected")
    hands = (_points_px(hand, path) for hand in root.iter("hand"))
    person = path.stem.split("_")[-2]
    image = f"{path.stem}.jpg"
    return [
        Frame(
            _folder_of(image, path.parent),
            image,
            tuple(Hand(points_px) for points_px in hands if points_px),
            group=person,
        )
    ]


def _folder_of(image: str, labels: Path) -> Path:
    """Return the folder of an image, by the layout of the published archives, else `labels`."""
    tops = (labels.parent, labels.parent.parent)
    folders = [top / inner for top in tops for inner in _IMAGE_FOLDERS]
    return next((folder for folder in folders if (folder / image).is_file()), labels)


def _points_px(hand: ElementTree.Element, path: Path) -> dict[str, Point]:
    """Return the points of a hand by name; points with a negative coordinate have no label."""
    found: dict[str, Point] = {}
    wrist: list[Point] = []
    for name, (x, y) in _points(hand, path):
        if x < 0 or y < 0:
            continue
        if name.split(" ")[0].lower() == _WRIST:
            wrist.append((x, y))
        elif name in found:
            raise AnnotationError(f"{path}: two points {name!r} in one hand")
        else:
            found[name] = (x, y)
    if len(wrist) == 2:
        (x, y), (other_x, other_y) = wrist
        found[_WRIST] = ((x + other_x) / 2, (y + other_y) / 2)
    elif len(wrist) > 2:
        raise AnnotationError(f"{path}: {len(wrist)} points of the wrist in one hand; expected two")
    return found


def _points(hand: ElementTree.Element, path: Path) -> Iterator[tuple[str, Point]]:
    for point in hand.iter("FeaturePoint"):
        name = f"{point.get('category', '')} {point.get('type', '')}".strip()
        try:
            x, y = float(point.get("x", "")), float(point.get("y", ""))
        except ValueError as problem:
            raise AnnotationError(
                f"{path}: {name!r} is at {point.get('x')!r}, {point.get('y')!r}; expected numbers"
            ) from problem
        yield name, finite_point(x, y, f"{path}: {name!r}")


FORMAT: Final = Format("hgr1", "HGR1 (feature_points)", _find, _read)

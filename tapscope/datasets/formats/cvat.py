"""CVAT for images 1.1: `annotations.xml` with points, or with one skeleton per hand.

CVAT counts pixels from the corner of the top left pixel, so half a pixel is subtracted.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tapscope.datasets.formats.base import (
    Format,
    Frame,
    Hand,
    Point,
    finite_point,
    read_xml,
    side_in,
)
from tapscope.errors import AnnotationError

_FILE: Final = "annotations.xml"


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob(_FILE))
    return [path] if path.suffix.lower() == ".xml" else []


def _read(path: Path) -> list[Frame]:
    root = read_xml(path)
    if root.find("track") is not None:
        raise AnnotationError(
            f'{path}: "CVAT for video"; export the task again as "CVAT for images 1.1", with images'
        )
    images = root.findall("image")
    if root.tag != "annotations" or not images:
        raise AnnotationError(f"{path}: not CVAT for images 1.1: no <image> in <annotations>")
    return [
        Frame(path.parent, image.get("name", ""), tuple(_hands(image, path))) for image in images
    ]


def _hands(image: ElementTree.Element, path: Path) -> Iterator[Hand]:
    """Yield a hand for each skeleton, and one for the points outside skeletons."""
    for skeleton in image.findall("skeleton"):
        points_px = _points_px(skeleton, image, path)
        if points_px:
            yield Hand(points_px, side_in(skeleton.get("label", "")))
    loose = _points_px(image, image, path)
    if loose:
        yield Hand(loose)


def _points_px(
    parent: ElementTree.Element, image: ElementTree.Element, path: Path
) -> dict[str, Point]:
    found: dict[str, Point] = {}
    for points in parent.findall("points"):
        label, where = points.get("label", ""), f"{path}: {image.get('name', '')}"
        if points.get("outside") == "1":  # a keypoint of a skeleton that is not in the image
            continue
        try:
            x, y = (float(number) for number in points.get("points", "").split(","))
        except ValueError as problem:
            raise AnnotationError(
                f"{where}: {label!r} is not one point ({points.get('points', '')[:60]!r}); label "
                "each keypoint by itself"
            ) from problem
        x, y = finite_point(x, y, f"{where}: {label!r}")
        if label in found:
            raise AnnotationError(
                f"{where}: two points {label!r}; label two hands as two skeletons"
            )
        found[label] = (x - 0.5, y - 0.5)
    return found


FORMAT: Final = Format("cvat", "CVAT for images 1.1 (annotations.xml)", _find, _read)

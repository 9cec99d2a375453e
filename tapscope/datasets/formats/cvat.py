"""CVAT for images 1.1: `annotations.xml` with points, or with one skeleton per hand.

A box "hand" among the points is the whole hand. CVAT counts pixels from the corner of the top left
pixel, so half a pixel is subtracted.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tapscope.datasets.formats.base import (
    HAND_BOX,
    Format,
    Frame,
    GuessedImage,
    Hand,
    Point,
    finite_point,
    read_xml,
    side_in,
)
from tapscope.errors import AnnotationError

_FILE: Final = "annotations.xml"
_CORNERS: Final = ("xtl", "ytl", "xbr", "ybr")


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
        yield Hand(loose, box_px=_box_px(image, path))


def _box_px(image: ElementTree.Element, path: Path) -> tuple[float, float, float, float] | None:
    """Return the box about the hand, None where there is none."""
    boxes = [box for box in image.findall("box") if box.get("label") == HAND_BOX]
    if not boxes:
        return None
    where = f"{path}: {image.get('name', '')}: {HAND_BOX!r}"
    if len(boxes) > 1:
        raise AnnotationError(f"{where}: two boxes; label two hands as two skeletons")
    try:
        left, top, right, bottom = (
            float(boxes[0].get(k, "")) for k in ("xtl", "ytl", "xbr", "ybr")
        )
    except ValueError as problem:
        raise AnnotationError(f"{where} is no box ({problem}); draw it again") from problem
    (left, top), (right, bottom) = (
        finite_point(left, top, where), finite_point(right, bottom, where)
    )  # fmt: skip
    return left - 0.5, top - 0.5, right - 0.5, bottom - 0.5


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


def write(images: Sequence[GuessedImage]) -> bytes:
    """Return guesses as CVAT for images 1.1: a point for each keypoint, a box about the hand."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    for number, image in enumerate(images):
        size = {"width": str(image.width), "height": str(image.height)}
        row = ElementTree.SubElement(
            root, "image", {"id": str(number), "name": image.file_name, **size}
        )
        common = {"source": "auto", "occluded": "0", "z_order": "0"}
        for name, (x, y) in image.points_px.items():
            place = f"{x + 0.5:.2f},{y + 0.5:.2f}"
            ElementTree.SubElement(row, "points", {"label": name, "points": place, **common})
        corners = dict(zip(_CORNERS, image.box_px, strict=True))
        box = {name: f"{value + 0.5:.2f}" for name, value in corners.items()}
        ElementTree.SubElement(row, "box", {"label": HAND_BOX, **box, **common})
    ElementTree.indent(root)
    content: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


FORMAT: Final = Format("cvat", "CVAT for images 1.1 (annotations.xml)", _find, _read)

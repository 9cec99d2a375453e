"""Label Studio: the JSON export (not JSON-MIN), points labelled with KeyPointLabels.

Coordinates are in percent of the image, counted from the corner of its top left pixel, so half a
pixel is subtracted. The export names images by URL: /data/upload/1/1a2b3c4d-frame.png for uploaded
files, /data/local-files/?d=folder/frame.png for files served from a folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tapscope.datasets.formats.base import (
    HAND_BOX,
    Format,
    Frame,
    GuessedImage,
    Hand,
    Point,
    finite_point,
    read_json,
)
from tapscope.errors import AnnotationError
from tapscope.output.table import json_bytes

_KIND: Final = "keypointlabels"
_BOX_KIND: Final = "rectanglelabels"


def _find(path: Path) -> list[Path]:
    """Accept only the path of the export itself, a list of tasks: a folder may hold any JSON."""
    if not path.is_file() or path.suffix.lower() != ".json":
        return []
    with path.open("rb") as file:
        begin = b"".join(file.read(200).split())
    return [path] if begin.startswith(b"[{") else []


def _read(path: Path) -> list[Frame]:
    tasks = read_json(path)
    try:
        return list(_frames(tasks, path))
    except (KeyError, TypeError, AttributeError, ValueError) as problem:
        raise AnnotationError(
            f"{path}: not an export of Label Studio ({type(problem).__name__}: {problem}); "
            'expected tasks with "data" and "annotations"; export as JSON, not JSON-MIN'
        ) from problem


def _frames(tasks: Sequence[Mapping[str, Any]], path: Path) -> Iterator[Frame]:
    for task in tasks:
        kept = [one for one in task["annotations"] if not one.get("was_cancelled")]
        if not kept:
            continue
        image = _image(task["data"], path)
        if len(kept) > 1:
            raise AnnotationError(
                f"{path}: {image} was labelled {len(kept)} times; keep one annotation of each"
            )
        where = f"{path}: {image}"
        points_px = _points_px(kept[0]["result"], where)
        box_px = _box_px(kept[0]["result"], where)
        yield Frame(path.parent, image, (Hand(points_px, "", box_px),) if points_px else ())


def _image(data: Mapping[str, Any], path: Path) -> str:
    """Return the image's path or name from the only URL of a task."""
    addresses = [str(v) for v in data.values() if isinstance(v, str) and Path(_file_of(v)).suffix]
    if len(addresses) != 1:
        raise AnnotationError(
            f"{path}: expected one image a task, found {', '.join(addresses)[:200] or 'none'}"
        )
    return _file_of(addresses[0])


def _file_of(address: str) -> str:
    parts = urlsplit(address)
    served = parse_qs(parts.query).get("d")
    return served[0] if served else unquote(parts.path)


def _points_px(result: Sequence[Mapping[str, Any]], where: str) -> dict[str, Point]:
    found: dict[str, Point] = {}
    for one in result:
        if one.get("type") != _KIND:
            continue
        value = one["value"]
        (label,) = map(str, value[_KIND])
        if one.get("image_rotation"):
            raise AnnotationError(f"{where}: was rotated for labelling; rotate the image itself")
        if label in found:
            raise AnnotationError(f"{where}: two points {label!r}; expected one hand per image")
        x = float(value["x"]) / 100 * float(one["original_width"]) - 0.5
        y = float(value["y"]) / 100 * float(one["original_height"]) - 0.5
        found[label] = finite_point(x, y, f"{where}: {label!r}", "percent")
    return found


def _box_px(
    result: Sequence[Mapping[str, Any]], where: str
) -> tuple[float, float, float, float] | None:
    """Return the box about the hand, None where there is none."""
    boxes = [one for one in result if (one.get("value") or {}).get(_BOX_KIND) == [HAND_BOX]]
    if not boxes:
        return None
    if len(boxes) > 1:
        raise AnnotationError(f"{where}: two boxes {HAND_BOX!r}; expected one hand per image")
    value = boxes[0]["value"]
    if value.get("rotation"):
        raise AnnotationError(f"{where}: the box {HAND_BOX!r} is turned; draw it upright")
    width, height = (float(boxes[0][f"original_{side}"]) / 100 for side in ("width", "height"))
    left, top = float(value["x"]) * width - 0.5, float(value["y"]) * height - 0.5
    finite_point(left, top, f"{where}: {HAND_BOX!r}", "percent")
    return left, top, left + float(value["width"]) * width, top + float(value["height"]) * height


def write(images: Sequence[GuessedImage], model: str) -> bytes:
    """Return guesses as tasks to import, with predictions that the labeller corrects.

    Label Studio serves the images as local files; its root is the folder of labels.
    """
    return json_bytes([_task(number, image, model) for number, image in enumerate(images, 1)])


def _task(number: int, image: GuessedImage, model: str) -> dict[str, Any]:
    size = {"original_width": image.width, "original_height": image.height, "image_rotation": 0}
    across, down = 100 / image.width, 100 / image.height
    common = {"to_name": "image", **size}
    result: list[dict[str, Any]] = [
        {
            "id": f"{number}-{name}",
            "from_name": "keypoints",
            "type": _KIND,
            **common,
            "value": {
                "x": (x + 0.5) * across, "y": (y + 0.5) * down, "width": 0.5, _KIND: [name],
            },
        }
        for name, (x, y) in image.points_px.items()
    ]  # fmt: skip
    left, top, right, bottom = image.box_px
    place = {
        "x": (left + 0.5) * across, "y": (top + 0.5) * down,
        "width": (right - left) * across, "height": (bottom - top) * down, "rotation": 0,
    }  # fmt: skip
    result.append(
        {
            "id": f"{number}-{HAND_BOX}",
            "from_name": "box",
            "type": _BOX_KIND,
            **common,
            "value": {**place, _BOX_KIND: [HAND_BOX]},
        }
    )
    return {
        "data": {"image": f"/data/local-files/?d={quote(image.file_name)}"},
        "predictions": [{"model_version": model, "result": result}],
    }


def labelling_interface(keypoints: Sequence[str]) -> bytes:
    """Return the labelling interface of a project for these keypoints and the box."""
    labels = "".join(f'    <Label value="{name}"/>\n' for name in keypoints)
    return (
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <KeyPointLabels name="keypoints" toName="image">\n{labels}  </KeyPointLabels>\n'
        f'  <RectangleLabels name="box" toName="image">\n    <Label value="{HAND_BOX}"/>\n'
        "  </RectangleLabels>\n</View>\n"
    ).encode()


FORMAT: Final = Format("label_studio", "Label Studio (JSON export)", _find, _read)

"""Label Studio: the JSON export (not JSON-MIN), points labelled with KeyPointLabels.

Coordinates are in percent of the image, counted from the corner of its top left pixel, so half a
pixel is subtracted. The export names images by URL: /data/upload/1/1a2b3c4d-frame.png for uploaded
files, /data/local-files/?d=folder/frame.png for files served from a folder.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from tapscope.datasets.formats.base import Format, Frame, Hand, Point, finite_point, read_json
from tapscope.errors import AnnotationError

_KIND: Final = "keypointlabels"


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
        points_px = _points_px(kept[0]["result"], f"{path}: {image}")
        yield Frame(path.parent, image, (Hand(points_px),) if points_px else ())


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


FORMAT: Final = Format("label_studio", "Label Studio (JSON export)", _find, _read)

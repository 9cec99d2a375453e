"""CMU Panoptic hands (Simon et al. 2017, arXiv:1704.07809).

The hand-labelled and the rendered sets have a JSON beside each image (`hand_pts`: x, y, 1 where
labelled; `is_left`); the folder `manual_test` is for testing. The studio set has one file,
`hands_v143_14817.json`, with `img_paths` and `joint_self` in `root`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tapscope.datasets.formats.base import Format, Frame, Hand, read_json, whole_hand
from tapscope.errors import AnnotationError

_STUDIO: Final = "hands_v143_*.json"
_IMAGE_SUFFIXES: Final = (".jpg", ".png")
_TEST: Final = "manual_test"


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        return [*sorted(path.rglob(_STUDIO)), *filter(_is_of_one, sorted(path.rglob("*.json")))]
    return [path] if path.match(_STUDIO) or _is_of_one(path) else []


def _is_of_one(path: Path) -> bool:
    """Return whether a file holds the labels of the image beside it."""
    return (
        path.suffix == ".json"
        and any(path.with_suffix(ending).is_file() for ending in _IMAGE_SUFFIXES)
        and '"hand_pts"' in path.read_text(encoding="utf-8", errors="replace")
    )


def _read(path: Path) -> list[Frame]:
    content = read_json(path)
    try:
        if not path.match(_STUDIO):
            return [_one(path, content)]
        return [
            Frame(path.parent, str(row["img_paths"]), _hands(row["joint_self"], "", path))
            for row in content["root"]
        ]
    except (KeyError, TypeError, AttributeError, IndexError) as problem:
        raise AnnotationError(
            f"{path}: not as CMU Panoptic hands are ({type(problem).__name__}: {problem})"
        ) from problem


def _one(path: Path, content: Mapping[str, Any]) -> Frame:
    image = next(
        path.with_suffix(ending) for ending in _IMAGE_SUFFIXES if path.with_suffix(ending).is_file()
    )
    side = "left" if content["is_left"] else "right"
    folder = path.parent.name
    split = "test" if folder == _TEST else "train"
    # hands of one photograph share the start of their names
    group = f"{folder}/{path.stem.split('_')[0]}"
    return Frame(path.parent, image.name, _hands(content["hand_pts"], side, path), split, group)


def _hands(points: list[Any], side: str, path: Path) -> tuple[Hand, ...]:
    hand = whole_hand([point if point[2] > 0 else None for point in points], side, str(path))
    return (hand,) if hand.points_px else ()


FORMAT: Final = Format(
    "panoptic",
    "CMU Panoptic hands (a JSON beside each image, or hands_v143_*.json)",
    _find,
    _read,
)

"""OneHand10K (Wang, Peng and Liu 2019, IEEE TCSVT 29(11)): `label_joint.txt` beside `source/`.

One line per image: name, width, height, number of hands, x and y of 21 keypoints; -1 is no label.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tapscope.datasets.formats.base import Format, Frame, whole_hand
from tapscope.errors import AnnotationError

_FILE: Final = "label_joint.txt"
_BEFORE: Final = 4
"""Columns before those of the keypoints."""


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob(_FILE))
    return [path] if path.name == _FILE else []


def _read(path: Path) -> list[Frame]:
    try:
        return list(_frames(path))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise AnnotationError(f"{path}: cannot be read as text ({problem})") from problem


def _frames(path: Path) -> Iterator[Frame]:
    split = "test" if path.parent.name.lower() == "test" else "train"
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file), 1):
            if not row:
                continue
            where = f"{path}, line {number}"
            try:
                numbers = [float(cell) for cell in row[_BEFORE:] if cell.strip()]
            except ValueError as problem:
                raise AnnotationError(f"{where}: {problem}; expected numbers") from problem
            points = [numbers[at : at + 2] for at in range(0, len(numbers), 2)]
            seen = [None if -1 in point else point for point in points]
            hand = whole_hand(seen, "", where)
            yield Frame(
                path.parent / "source",
                row[0].strip(),
                (hand,) if hand.points_px else (),
                split,
                row[0].strip(),  # a group of its own: the images are from the web, none alike
            )


FORMAT: Final = Format("onehand10k", "OneHand10K (label_joint.txt)", _find, _read)

"""DeepLabCut: `labeled-data/<video>/CollectedData_<scorer>`, as CSV and as HDF5 of pandas.

Columns have three or four header rows: scorer, individuals (multi-animal projects only),
bodyparts, coords. Rows start with the path of the image, in one cell or in three. The CSV is read
if there is one, else the HDF5 (pandas' fixed format), by h5py, because PyTables would unpickle.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tapscope.datasets.formats.base import Format, Frame, Hand, Point, side_in
from tapscope.errors import AnnotationError, require_extra

if TYPE_CHECKING:
    import h5py

_PREFIX: Final = "CollectedData_"
_LEVELS: Final = ("scorer", "individuals", "bodyparts", "coords")

Column = tuple[str, str, str]
"""Individual ('' where there is one animal), body part, 'x' or 'y'."""


def _find(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.name.startswith(_PREFIX) and path.suffix in {".csv", ".h5"} else []
    stored = sorted(path.rglob(f"{_PREFIX}*.h5"))
    alone = [file for file in stored if not file.with_suffix(".csv").exists()]
    return [*sorted(path.rglob(f"{_PREFIX}*.csv")), *alone]


def _read(path: Path) -> list[Frame]:
    columns, rows = _from_csv(path) if path.suffix == ".csv" else _from_hdf(path)
    return [
        Frame(path.parent, image.replace("\\", "/").rpartition("/")[2], _hands(columns, values))
        for image, values in rows
    ]


def _hands(columns: Sequence[Column], values: Sequence[float]) -> tuple[Hand, ...]:
    known: dict[str, dict[str, dict[str, float]]] = {}
    for (individual, part, axis), value in zip(columns, values, strict=True):
        if math.isfinite(value):
            known.setdefault(individual, {}).setdefault(part, {})[axis] = value
    hands = []
    for individual, parts in known.items():
        points_px: dict[str, Point] = {
            part: (place["x"], place["y"]) for part, place in parts.items() if len(place) == 2
        }
        if points_px:
            hands.append(Hand(points_px, side_in(individual)))
    return tuple(hands)


def _columns(path: Path, levels: Mapping[str, Sequence[str]]) -> list[Column]:
    if not {"bodyparts", "coords"} <= set(levels):
        raise AnnotationError(
            f"{path}: not labels of DeepLabCut; expected rows of names scorer, bodyparts and "
            f"coords, found {', '.join(levels)[:200] or 'none'}"
        )
    parts, axes = levels["bodyparts"], levels["coords"]
    individuals = levels.get("individuals", [""] * len(parts))
    if not len(parts) == len(axes) == len(individuals):
        raise AnnotationError(
            f"{path}: the rows of names have {len(parts)}, {len(axes)} and {len(individuals)} "
            "cells, expected the same number; export the labels again"
        )
    if set(axes) - {"x", "y"} or len(set(zip(individuals, parts, axes, strict=True))) < len(parts):
        raise AnnotationError(
            f"{path}: expected one x and one y of each body part; found coords "
            f"{', '.join(sorted(set(axes)))} (predictions are no labels: give {_PREFIX}*.csv)"
        )
    return list(zip(individuals, parts, axes, strict=True))


def _from_csv(path: Path) -> tuple[list[Column], list[tuple[str, list[float]]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise AnnotationError(f"{path}: cannot be read as CSV ({problem})") from problem
    heads = [line for line in lines[: len(_LEVELS)] if line[0] in _LEVELS]
    # Cells of the image's path: their header is the row's title, then empty cells.
    width = next((n for n, cell in enumerate(heads[0]) if n and cell), 1) if heads else 1
    columns = _columns(path, {line[0]: line[width:] for line in heads})
    rows = []
    for number, line in enumerate(lines[len(heads) :], len(heads) + 1):
        if len(line) != width + len(columns):
            raise AnnotationError(
                f"{path}: row {number} has {len(line)} cells, expected {width + len(columns)}"
            )
        try:
            values = [float(cell or "nan") for cell in line[width:]]
        except ValueError as problem:
            raise AnnotationError(f"{path}: row {number}: {problem}") from problem
        rows.append(("/".join(line[:width]), values))
    return columns, rows


def _from_hdf(path: Path) -> tuple[list[Column], list[tuple[str, list[float]]]]:
    instead = ", or give the CSV that DeepLabCut writes beside it"
    require_extra("h5py", "dlc", path, AnnotationError, instead)
    h5py = import_module("h5py")  # an extra, and slow to import
    try:
        with h5py.File(path, "r") as file:
            frame = next(iter(file.values()))
            parts = [names for _, names in _index(frame, "axis1")]
            images = ["/".join(names) for names in zip(*parts, strict=True)]
            levels: dict[str, list[str]] = {}
            blocks = [f"block{n}" for n in range(int(frame.attrs["nblocks"]))]
            for block in blocks:  # columns of one type
                for name, texts in _index(frame, f"{block}_items"):
                    levels.setdefault(name, []).extend(texts)
            numbers = [frame[f"{block}_values"][()].astype(float) for block in blocks]
            values = np.concatenate(numbers, axis=1)
    except Exception as problem:  # a damaged file makes this reader raise nearly anything
        raise AnnotationError(
            f"{path}: not a table of pandas in HDF5 ({type(problem).__name__}: {problem}); give "
            "the CSV that DeepLabCut writes beside it"
        ) from problem
    columns = _columns(path, levels)
    if values.shape != (len(images), len(columns)):
        raise AnnotationError(
            f"{path}: {values.shape[0]} x {values.shape[-1]} numbers for {len(images)} images "
            f"and {len(columns)} columns; give the CSV that DeepLabCut writes beside it"
        )
    return columns, list(zip(images, values.tolist(), strict=True))


def _index(frame: "h5py.Group", axis: str) -> Iterator[tuple[str, list[str]]]:
    """Yield name and values of each level of an index, one value a row or column."""
    if axis in frame:
        yield "", _texts(frame[axis])
        return
    level = 0
    while f"{axis}_level{level}" in frame:
        node = frame[f"{axis}_level{level}"]
        name = node.attrs.get("name", str(level))
        texts = _texts(node)
        yield (
            name.decode() if isinstance(name, bytes) else str(name),
            [texts[n] for n in frame[f"{axis}_label{level}"][()]],
        )
        level += 1


def _texts(node: "h5py.Dataset") -> list[str]:
    return [cell.decode() if isinstance(cell, bytes) else str(cell) for cell in node[()].tolist()]


FORMAT: Final = Format("deeplabcut", "DeepLabCut (CollectedData CSV or HDF5)", _find, _read)

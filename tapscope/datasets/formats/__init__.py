"""Readers of labels of labelling tools and public sets, one format per file.

A new format is one module with a `FORMAT`, and its entry in `FORMATS`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tapscope.datasets.formats import (
    coco_wholebody,
    cvat,
    deeplabcut,
    freihand,
    hgr1,
    label_studio,
    onehand10k,
    panoptic,
)
from tapscope.datasets.formats.base import Format, Frame, Hand
from tapscope.errors import AnnotationError

__all__ = ["FORMATS", "Format", "Frame", "Hand", "read"]

FORMATS: Final[tuple[Format, ...]] = (
    deeplabcut.FORMAT,
    cvat.FORMAT,
    label_studio.FORMAT,
    panoptic.FORMAT,
    onehand10k.FORMAT,
    freihand.FORMAT,
    hgr1.FORMAT,
    coco_wholebody.FORMAT,
)


def read(path: Path) -> tuple[Format, Sequence[Frame]]:
    """Read the labels of a file or a folder in any of the formats.

    Returns
    -------
    format, frames
        Including frames without a label.

    Raises
    ------
    AnnotationError
        There are no labels of a known format, labels of several, or damaged ones.
    """
    if not path.exists():
        raise AnnotationError(f"{path}: there is no such file or folder")
    try:
        found = [(one, files) for one in FORMATS if (files := one.find(path))]
    except OSError as problem:
        raise AnnotationError(
            f"{problem.filename or path}: cannot be opened ({problem.strerror}); "
            "check that you have permission to read it"
        ) from problem
    if len(found) != 1:
        titles = ", ".join(one.title for one, _ in found) or "no labels of a known format"
        known = ", ".join(one.title for one in FORMATS)
        raise AnnotationError(f"{path}: holds {titles}; give labels of one of: {known}")
    ((one, files),) = found
    return one, [frame for file in files for frame in one.read(file)]

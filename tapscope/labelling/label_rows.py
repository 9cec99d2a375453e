"""The rows of annotations.json, as `tapscope frames` writes them, and the labels in them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tapscope.errors import AnnotationError, CorrectionsError
from tapscope.hand import TIPS
from tapscope.labelling.labels import ImageLabels, labels_of
from tapscope.output.table import json_bytes

Row = tuple[dict[str, Any], dict[str, Any]]
"""An image and its hand, both as annotations.json holds them."""


def rows_of(content: Any, file: Path) -> tuple[Row, ...]:
    """Return each image with its hand.

    Raises
    ------
    AnnotationError
        The content of the file is not what `tapscope frames` writes, or an image lies elsewhere.
    """
    try:
        names = content["categories"][0]["keypoints"]
        missing = [name for name in TIPS if name not in names]
        hands: dict[Any, list[dict[str, Any]]] = {}
        for hand in content["annotations"]:
            hands.setdefault(hand["image_id"], []).append(hand)
        rows = tuple((row, hands.get(row["id"], [])) for row in content["images"])
        for row, own in rows:
            if missing or len(own) != 1 or len(own[0]["keypoints"]) != 3 * len(names):
                raise AnnotationError(
                    f"{file}: {row['file_name']} has {len(own)} hands; expected one, with the "
                    f"keypoints {' and '.join(TIPS)}; give a folder that 'tapscope frames' wrote"
                )
            labels_in((row, own[0]), tip_places(content))
            path_within(file.parent, row["file_name"], file)
            if int(row["width"]) < 1 or int(row["height"]) < 1:
                raise ValueError(f"the size of {row['file_name']}")
        json_bytes(content)  # what could not be written back is refused now
    except (KeyError, IndexError, TypeError, ValueError, CorrectionsError) as problem:
        raise AnnotationError(
            f"{file}: is not what 'tapscope frames' writes ({type(problem).__name__}: {problem}); "
            "expected images, and for each a hand with keypoints and bbox"
        ) from problem
    if not rows:
        raise AnnotationError(f"{file}: holds no image")
    return tuple((row, own[0]) for row, own in rows)


def tip_places(content: Mapping[str, Any]) -> dict[str, int]:
    """Return where the numbers of each tip begin in the list of keypoints."""
    names = content["categories"][0]["keypoints"]
    return {name: 3 * names.index(name) for name in TIPS}


def labels_in(row: Row, places: Mapping[str, int]) -> ImageLabels:
    """Return the labels of an image; visibilities over 2 count as 2, as in training."""
    image, hand = row
    left, top, width, height = hand["bbox"]
    values = hand["keypoints"]
    tips = {name: [*values[at : at + 2], min(values[at + 2], 2)] for name, at in places.items()}
    corrected = bool(image.get("corrected", True))
    return labels_of(
        {
            **tips,
            "box": [left, top, left + width, top + height],
            "corrected": corrected,
            "skipped": bool(image.get("skipped", False)) and not corrected,
        }
    )


def put_labels(row: Row, labels: ImageLabels, places: Mapping[str, int]) -> None:
    """Write labels into the rows of an image."""
    image, hand = row
    image["corrected"] = labels.corrected
    image.pop("skipped", None)
    if labels.skipped:
        image["skipped"] = True
    for name, at in places.items():
        tip = labels.tip(name)
        hand["keypoints"][at : at + 3] = [tip.x, tip.y, tip.visibility]
    hand["num_keypoints"] = sum(v > 0 for v in hand["keypoints"][2::3])
    left, top, right, bottom = labels.box_px
    hand["bbox"] = [round(v, 2) for v in (left, top, right - left, bottom - top)]


def names_sha256(rows: Sequence[Row]) -> str:
    """Return a hash of the names of the images."""
    names = "\n".join(str(row["file_name"]) for row, _ in rows)
    return hashlib.sha256(names.encode()).hexdigest()


def path_within(folder: Path, name: object, file: Path) -> Path:
    """Return the path of an image.

    Raises
    ------
    AnnotationError
        It leads out of the folder.
    """
    home = folder.resolve()
    path = (home / str(name)).resolve()
    if not path.is_relative_to(home):
        raise AnnotationError(f"{file}: {name} leads out of the folder; correct its name")
    return path

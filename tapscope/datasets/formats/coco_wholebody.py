"""COCO-WholeBody (Jin et al. 2020, arXiv:2007.11858): both hands of each person.

`coco_wholebody_train_v1.0.json` and `coco_wholebody_val_v1.0.json`. `--images` names the folder of
the COCO 2017 images. Its validation images count as test images.
"""

from pathlib import Path
from typing import Any, Final

from tapscope.datasets.formats.base import Format, Frame, Hand, read_json, whole_hand
from tapscope.errors import AnnotationError

_NAMES: Final = "coco_wholebody_*.json"


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob(_NAMES))
    return [path] if path.match(_NAMES) else []


def _read(path: Path) -> list[Frame]:
    content = read_json(path)
    split = "test" if "_val_" in path.name else "train"
    try:
        names = {row["id"]: str(row["file_name"]) for row in content["images"]}
        hands: dict[Any, list[Hand]] = {number: [] for number in names}
        for person in content["annotations"]:
            hands[person["image_id"]] += _hands(person, path)
    except (KeyError, TypeError, AttributeError, IndexError) as problem:
        raise AnnotationError(
            f"{path}: not as COCO-WholeBody is ({type(problem).__name__}: {problem})"
        ) from problem
    return [
        Frame(path.parent, name, tuple(hands[number]), split, name)
        for number, name in names.items()
    ]


def _hands(person: dict[str, Any], path: Path) -> list[Hand]:
    found = []
    for side in ("left", "right"):
        if person[f"{side}hand_valid"]:
            numbers = person[f"{side}hand_kpts"]
            points = [numbers[at : at + 3] for at in range(0, len(numbers), 3)]
            where = f"{path}: image {person['image_id']}"
            hand = whole_hand([point if point[2] > 0 else None for point in points], side, where)
            found += [hand] if hand.points_px else []
    return found


FORMAT: Final = Format("coco_wholebody", "COCO-WholeBody (coco_wholebody_*.json)", _find, _read)

"""Public sets become folders to train on; the files are made up, in the shapes published."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tapscope.datasets.annotations import Label, LabelledSet, load
from tapscope.datasets.convert import convert
from tapscope.errors import AnnotationError
from tapscope.hand import KEYPOINTS

PLACES = np.column_stack([np.arange(21) + 10.25, 40.5 - np.arange(21)])
"""x and y of the keypoints of a hand, no two alike."""
HIDDEN = 6
"""A keypoint without a label, where a set can say so."""


def image(file: Path, grey: int = 90) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.full((48, 64, 3), grey, np.uint8))


def write(file: Path, content: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def flagged(*, shift: float = 0.0) -> list[list[float]]:
    """Return x, y and 1 of each keypoint, 0 for the hidden one."""
    return [[x + shift, y, float(n != HIDDEN)] for n, (x, y) in enumerate(PLACES.tolist())]


def onehand10k(folder: Path) -> Path:
    for part, name in (("Train", "7.jpg"), ("Test", "0.jpg")):
        cells = np.round(PLACES).astype(int)
        cells[HIDDEN] = -1
        image(folder / part / "source" / name)
        line = ",".join([name, "64", "48", "1", *(str(c) for c in cells.ravel())])
        write(folder / part / "label_joint.txt", line + "\n")
    return folder


def freihand(folder: Path, *, depth: float = 0.5) -> Path:
    """Write two hands, the first of them again before another background."""
    camera = [[100.0, 0.0, 32.0], [0.0, 110.0, 24.0], [0.0, 0.0, 1.0]]
    flat = np.column_stack([PLACES, np.ones(21)]) @ np.linalg.inv(camera).T * depth
    write(folder / "training_xyz.json", [flat.tolist()] * 2)
    write(folder / "training_K.json", [camera] * 2)
    for number in range(3):
        image(folder / f"training/rgb/{number:08d}.jpg", 60 + number)
    return folder


def hgr1(folder: Path, *, change: Callable[[str], str] = str) -> Path:
    """Write two people; what the published files call the fingers is not known, the rest is."""
    wrist_x, wrist_y = PLACES[0]
    points = [("Wrist", "1", wrist_x - 1, wrist_y + 2), ("Wrist", "2", wrist_x + 1, wrist_y - 2)]
    for number, keypoint in enumerate(KEYPOINTS[1:], 1):
        x, y = PLACES[number] if number != HIDDEN else (-1, -1)
        points.append((*keypoint.split("_"), x, y))
    rows = "".join(
        f'<FeaturePoint category="{category}" type="{kind}" x="{x}" y="{y}"/>'
        for category, kind, x, y in points
    )
    text = f'<IMAGE WIDTH="64" HEIGHT="48"><hand/><hand>{rows}</hand></IMAGE>'
    for person in ("id01", "id02"):
        stem = f"1_P_hgr1_{person}_3"
        image(folder / f"original_images/{stem}.jpg")
        write(folder / f"feature_points/{stem}.xml", change(text))
    return folder


def panoptic(folder: Path) -> Path:
    for part, left in (("manual_train", 1.0), ("manual_test", 0.0)):
        stem = folder / part / f"000123_0{left:.0f}_x"
        image(stem.with_suffix(".jpg"))
        write(stem.with_suffix(".json"), {"hand_pts": flagged(), "is_left": left})
    write(folder / "notes.json", {"hand_pts": "no image beside it"})
    return folder


def studio(folder: Path) -> Path:
    image(folder / "imgs/00000000.jpg")
    rows = [{"img_paths": "imgs/00000000.jpg", "joint_self": flagged()}]
    return write(folder / "hands_v143_14817.json", {"root": rows})


def wholebody(folder: Path, *, name: str = "coco_wholebody_train_v1.0.json") -> Path:
    """Write a person with two hands, one with none, and an image without anybody."""
    rows = [{"id": n, "file_name": f"{n:012d}.jpg"} for n in (3, 4, 5)]
    for row in rows:
        image(folder / str(row["file_name"]), int(str(row["id"])) + 50)
    both = {
        "image_id": 3,
        "lefthand_valid": True,
        "lefthand_kpts": [v for point in flagged() for v in point],
        "righthand_valid": True,
        "righthand_kpts": [v for point in flagged(shift=5.0) for v in point],
    }
    none = {"image_id": 4, "lefthand_valid": False, "righthand_valid": False}
    return write(folder / name, {"images": rows, "annotations": [both, none]})


def converted(source: Path, out: Path) -> LabelledSet:
    convert(source, out, keypoints={})
    return load(out)


SETS: dict[str, tuple[Callable[[Path], Path], list[str], list[str], bool]] = {
    "onehand10k": (onehand10k, ["test", "train"], ["", ""], True),
    "freihand": (freihand, ["train"] * 3, ["right"] * 3, False),
    "hgr1": (hgr1, ["", ""], ["", ""], True),
    "panoptic": (panoptic, ["test", "train"], ["right", "left"], True),
    "studio": (studio, [""], [""], True),
    "wholebody": (wholebody, ["train"], ["left", "right"], True),
}


@pytest.mark.parametrize("name", SETS)
def test_keypoints_sides_and_splits(name: str, tmp_path: Path) -> None:
    make, splits, sides, hides = SETS[name]
    found = converted(make(tmp_path / "set"), tmp_path / "out")
    kept = [n for n in range(21) if not (hides and n == HIDDEN)]  # what no hand has is left out
    assert found.keypoints == tuple(KEYPOINTS[n] for n in kept)
    assert sorted(image.split for image in found.images) == sorted(splits)
    hands = [hand for image in found.images for hand in image.hands]
    assert sorted(hand.side for hand in hands) == sorted(sides)
    expected = np.round(PLACES) if name == "onehand10k" else PLACES
    assert np.allclose(hands[0].position_px, expected[kept], atol=1e-6)
    assert (hands[0].label == Label.SURE).all()


def test_hand_before_another_background_stays_in_its_group(tmp_path: Path) -> None:
    found = converted(freihand(tmp_path / "set"), tmp_path / "out")
    assert len({image.group for image in found.images}) == 1
    assert np.allclose(found.images[2].hands[0].position_px, PLACES, atol=1e-6)


def test_people_of_hgr1_are_its_groups(tmp_path: Path) -> None:
    found = converted(hgr1(tmp_path / "set"), tmp_path / "out")
    assert [image.group for image in found.images] == ["id01", "id02"]


def test_images_of_hgr1_are_found_as_its_archives_are_unpacked(tmp_path: Path) -> None:
    made = hgr1(tmp_path / "set")
    for archive, inner in (("hgr1_images", "original_images"), ("hgr1_points", "feature_points")):
        (made / archive).mkdir()
        (made / inner).rename(made / archive / inner)
    assert len(converted(made, tmp_path / "out").images) == 2


def test_hand_of_hgr1_without_both_points_of_its_wrist_has_none(tmp_path: Path) -> None:
    made = hgr1(tmp_path / "set", change=lambda text: text.replace('type="2" x="', 'type="2" x="-'))
    assert "wrist" not in converted(made, tmp_path / "out").keypoints


def test_images_for_validation_of_wholebody_are_not_trained_on(tmp_path: Path) -> None:
    file = wholebody(tmp_path / "set", name="coco_wholebody_val_v1.0.json")
    assert [image.split for image in converted(file, tmp_path / "out").images] == ["test"]


def broken(make: Callable[[Path], Path], file: str, change: Callable[[Any], Any]) -> Any:
    """Return what makes a set and then changes what one of its JSON files holds."""

    def changed(folder: Path) -> Path:
        made = make(folder)
        write(folder / file, change(json.loads((folder / file).read_text())))
        return made

    return changed


def hgr1_with(old: str, new: str) -> Callable[[Path], Path]:
    """Return what makes HGR1 with something else in its files."""
    return lambda folder: hgr1(folder, change=lambda text: text.replace(old, new))


def short(folder: Path) -> Path:
    made = onehand10k(folder)
    write(folder / "Test/label_joint.txt", "0.jpg,64,48,1,3,4\n")
    return made


def long(folder: Path) -> Path:
    made = onehand10k(folder)
    file = folder / "Test/label_joint.txt"
    write(file, file.read_text().strip() + ",7\n")
    return made


def worded(folder: Path) -> Path:
    made = onehand10k(folder)
    write(folder / "Train/label_joint.txt", "7.jpg,64,48,1,three,4\n")
    return made


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (short, r"label_joint.txt, line 1: 1 keypoints; expected 21"),
        (long, r"label_joint.txt, line 1: 22 keypoints; expected 21"),
        (worded, r"label_joint.txt, line 1: .*three.*expected numbers"),
        (hgr1_with("<hand/>", "<hand>"), r"id01_3.xml: cannot be read as XML"),
        (hgr1_with("IMAGE", "annotations"), "not of HGR1: <annotations>"),
        (hgr1_with('x="', 'x="?'), r"'Wrist 1' is at '\?9.25', '42.5'; expected numbers"),
        (hgr1_with('y="42.5"', 'y="inf"'), "'Wrist 1' is at 9.25, inf; expected pixels"),
        (hgr1_with('"mcp"', '"dip"'), "two points 'index dip' in one hand"),
        (hgr1_with('"little" type="tip"', '"Wrist" type="3"'), "3 points of the wrist"),
        (
            hgr1_with('type="tip"', 'type="end"'),
            "keypoint is index end.*nor .* known what little end, middle end, ring end, thumb end",
        ),
        (lambda folder: freihand(folder, depth=-1.0), "image 0 has a keypoint behind its camera"),
        (broken(freihand, "training_K.json", lambda k: k[:1]), r"\(1, 3, 3\) in training_K.json"),
        (
            broken(freihand, "training_K.json", lambda k: [k[0], [[float("inf")] * 3] * 3]),
            "image 1: wrist is at",
        ),
        (broken(freihand, "training_xyz.json", lambda xyz: [xyz[0], [1]]), "no table of numbers"),
        (broken(studio, "hands_v143_14817.json", lambda c: {}), "CMU Panoptic .*'root'"),
        (
            broken(
                studio,
                "hands_v143_14817.json",
                lambda c: {"root": [c["root"][0] | {"img_paths": {"a": 1}}]},
            ),
            "{'a': 1}: labelled, but not in",
        ),
        (
            broken(panoptic, "manual_test/000123_00_x.json", lambda c: {"hand_pts": []}),
            "CMU Panoptic .*'is_left'",
        ),
        (
            broken(
                wholebody,
                "coco_wholebody_train_v1.0.json",
                lambda c: {"images": c["images"], "annotations": [{"image_id": 9}]},
            ),
            "COCO-WholeBody .*KeyError",
        ),
    ],
)
def test_damaged_sets_are_refused(
    make: Callable[[Path], Path], message: str, tmp_path: Path
) -> None:
    source = make(tmp_path / "set")
    with pytest.raises(AnnotationError, match=message):
        convert(source, tmp_path / "out", keypoints={})
    assert not (tmp_path / "out").exists()

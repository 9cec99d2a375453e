"""Reading labelled folders, joining them, splitting them by group."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapscope.datasets import annotations
from tapscope.errors import AnnotationError
from tests.hands import labelled_folder


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def test_folder_is_read(tmp_path: Path) -> None:
    found = annotations.load(labelled_folder(tmp_path / "set"))
    assert len(found) == 12
    image = found.images[1]
    assert image.dataset == "set"
    assert image.pixels().shape == (160, 160, 3)
    hand = image.hands[0]
    assert hand.position_px.shape == (21, 2)
    assert np.isnan(hand.position_px[20]).all()
    assert hand.side == "right"
    # The dot of the wrist is where its label says, in RGB.
    x, y = hand.position_px[0].round().astype(int)
    assert image.pixels()[y, x].tolist() == [40, 250, 40]


def test_split_is_chosen(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set")
    assert len(annotations.load(folder, split="test")) == 3
    with pytest.raises(AnnotationError, match="no labelled image with split 'none'"):
        annotations.load(folder, split="none")


@pytest.mark.parametrize(
    ("labelled_by", "label"),
    [
        (None, annotations.Label.HIDDEN),
        ("manual", annotations.Label.HIDDEN),
        ("exact (rendered)", annotations.Label.HIDDEN),
        ("manual tips, mediapipe joints", annotations.Label.PSEUDO),
        ("another network", annotations.Label.PSEUDO),
    ],
)
def test_visibility_of_one_is_hidden_where_no_network_placed_the_keypoint(
    tmp_path: Path, labelled_by: str | None, label: annotations.Label
) -> None:
    folder = labelled_folder(tmp_path / "set")
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    for row in content["annotations"]:
        row.pop("labelled_by")
        if labelled_by:
            row["labelled_by"] = labelled_by
    file.write_text(json.dumps(content))
    first, second = (image.hands[0] for image in annotations.load(folder).images[:2])
    assert (first.label[:20] == label).all()
    assert (second.label[:20] == annotations.Label.SURE).all()
    assert first.label[20] == second.label[20] == annotations.Label.NONE


def test_box_is_made_from_keypoints_when_there_is_none(tmp_path: Path) -> None:
    with_box = annotations.load(labelled_folder(tmp_path / "a"))
    without = annotations.load(labelled_folder(tmp_path / "b", with_bbox=False))
    # Keypoint 20 has no label, so the derived box may be a little smaller.
    assert without.images[0].hands[0].size_px == pytest.approx(
        with_box.images[0].hands[0].size_px, rel=0.1
    )


def test_hand_with_few_labels_is_larger_than_its_box() -> None:
    position = np.full((21, 2), np.nan)
    position[[4, 8]] = [[0, 0], [40, 30]]
    label = np.zeros(21, dtype=int)
    label[[4, 8]] = annotations.Label.SURE
    hand = annotations.LabelledHand(position, label, "", np.array([0.0, 0, 40, 30]))
    assert hand.size_px > 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("images"), "not COCO keypoints"),
        (lambda c: c["categories"].clear(), "not COCO keypoints"),
        (lambda c: c["annotations"][0].update(keypoints=[1, 2]), "not COCO keypoints"),
        (
            lambda c: c["annotations"][0].update(keypoints=[1, 2, float("nan")] * 21),
            "a labelled keypoint of image 1 is not finite",
        ),
        (lambda c: c["images"][0].update(file_name="images/gone.png"), "but not there"),
        (lambda c: c["annotations"].clear(), "no labelled image"),
    ],
)
def test_malformed_folder_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    folder = labelled_folder(tmp_path / "set")
    rewrite(folder, change)
    with pytest.raises(AnnotationError, match=message):
        annotations.load(folder)


def test_missing_annotations_say_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"no annotations\.json"):
        annotations.load(tmp_path)


def test_image_that_is_none_or_another_size_is_refused(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set")
    rewrite(folder, lambda c: c["images"][0].update(width=99))
    (folder / "images" / "1.png").write_text("no image")
    found = annotations.load(folder)
    with pytest.raises(AnnotationError, match="its annotation says 99 x 160"):
        found.images[0].pixels()
    with pytest.raises(AnnotationError, match="cannot be read as an image"):
        found.images[1].pixels()


def test_merge_matches_keypoints_by_name(tmp_path: Path) -> None:
    whole = annotations.load(labelled_folder(tmp_path / "whole"))
    folder = labelled_folder(tmp_path / "tips")

    def tips_only(content: dict[str, Any]) -> None:
        content["categories"][0]["keypoints"] = ["index_tip", "thumb_tip"]
        for row in content["annotations"]:
            keypoints = np.reshape(row["keypoints"], (21, 3))
            row["keypoints"] = keypoints[[8, 4]].ravel().tolist()

    rewrite(folder, tips_only)
    both = annotations.merge([annotations.load(folder), whole])
    assert both.keypoints == whole.keypoints
    tips, full = both.images[0].hands[0], both.images[12].hands[0]
    assert np.allclose(tips.position_px[[4, 8]], full.position_px[[4, 8]])
    assert tips.label[[4, 8]].min() > 0
    assert tips.label.sum() == tips.label[[4, 8]].sum()

    rewrite(folder, lambda c: c["categories"][0].update(keypoints=["index_tip", "nose"]))
    with pytest.raises(AnnotationError, match="nose"):
        annotations.merge([annotations.load(folder), whole])


def test_some_keypoints_keep_the_size_of_the_hand(tmp_path: Path) -> None:
    images = annotations.load(labelled_folder(tmp_path / "set"))
    tips = annotations.only_keypoints(images, ("index_tip", "thumb_tip"))
    assert (len(tips), tips.keypoints) == (len(images), ("index_tip", "thumb_tip"))
    for few, whole in zip(tips.images, images.images, strict=True):
        assert few.hands[0].position_px.tolist() == whole.hands[0].position_px[[8, 4]].tolist()
        assert few.hands[0].size_px == pytest.approx(whole.hands[0].size_px)
    # Where the box holds the tips alone, it is known no more that the hand is larger.
    position = np.full((21, 2), np.nan)
    position[[4, 8]] = [[0, 0], [40, 30]]
    hand = annotations.LabelledHand(
        position, np.where(np.isfinite(position[:, 0]), 2, 0), "", np.array([0.0, 0, 40, 30])
    )
    one = annotations.LabelledSet((replace(images.images[0], hands=(hand,)),), images.keypoints)
    (kept,) = annotations.only_keypoints(one, ("thumb_tip", "index_tip")).images[0].hands
    assert kept.size_px == pytest.approx(hand.size_px)
    assert kept.box_px[:2] + kept.box_px[2:] == pytest.approx([40, 30])
    with pytest.raises(AnnotationError, match=r"no keypoints tail in set; there are wrist"):
        annotations.only_keypoints(images, ("tail",))
    with pytest.raises(AnnotationError, match="no hand with a label for wrist"):
        annotations.only_keypoints(one, ("wrist",))

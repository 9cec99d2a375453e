"""Figures for whole images, with an engine that sees coloured dots."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tapscope.datasets.annotations import LabelledHand, load, only_keypoints, with_known_size
from tapscope.errors import AnnotationError
from tapscope.evaluation.evaluate import names_of
from tapscope.evaluation.predict import (
    HandPrediction,
    evaluate_set,
    match_hands,
    predict_keypoints,
    skin_luminance,
)
from tapscope.evaluation.scores import Scored, figures_of
from tapscope.hand import THUMB_TIP
from tapscope.network.crop import CropBox
from tapscope.network.engine import Engine
from tests.hands import DotEngine, hand_shape, labelled_folder, paint, tiny_card, tiny_weights


def figures(folder: Path, engine: Engine, **options: object) -> dict[str, object]:
    images = load(folder)
    errors = evaluate_set(engine, images, **options)  # type: ignore[arg-type]
    return figures_of(Scored("n", 1, "w", "set", images.keypoints, tuple(errors)))


def test_perfect_eyes_get_perfect_figures(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    found = figures(
        labelled_folder(tmp_path / "set", count=4),
        DotEngine(),
        on_image=lambda *s: steps.append(s),
    )
    assert steps[-1] == (4, 4)
    assert found["n"] == 8
    assert found["found"] == found["pck@5"] == 1.0
    assert found["all_keypoints"]["n"] == 80  # type: ignore[index]
    assert sorted(found["groups"]) == [f"person-{n}" for n in range(4)]  # type: ignore[call-overload]
    json.dumps(found)


def test_hand_that_is_not_found_counts_as_wrong(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set", count=4)
    first = load(folder).images[0]
    cv2.imwrite(str(first.path), np.zeros((160, 160, 3), np.uint8))
    found = figures(folder, DotEngine())
    assert found["n"] == 8
    assert found["found"] == found["pck@20"] == 0.75


def with_one_label(folder: Path, hands: int) -> Path:
    """Leave the thumb tip of the first hands, and a box that is a point, as DeepLabCut does."""
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    for row in content["annotations"][:hands]:
        points = np.reshape(row["keypoints"], (-1, 3))
        points[np.arange(len(points)) != THUMB_TIP] = 0
        row["keypoints"] = points.ravel().tolist()
        row["bbox"] = [*points[THUMB_TIP, :2].tolist(), 0.0, 0.0]
    file.write_text(json.dumps(content))
    return folder


def test_a_hand_with_one_label_counts_but_tells_no_size(tmp_path: Path) -> None:
    folder = with_one_label(labelled_folder(tmp_path / "set", count=4), 1)
    images = load(folder)
    (first, *_) = errors = evaluate_set(DotEngine(), images)
    assert first.found
    assert np.isnan(first.hand_px)
    assert np.isnan(first.smear)
    tips = figures_of(Scored("n", 1, "w", "set", images.keypoints, tuple(errors)))
    assert (tips["n"], tips["pck@5"], tips["pck@0.1"]) == (7, 1.0, 1.0)
    alone = figures(with_one_label(folder, 4), DotEngine())
    assert (alone["n"], alone["pck@5"], alone["pck@0.1"]) == (4, 1.0, None)
    json.dumps(alone, allow_nan=False)
    tip = only_keypoints(images, ("thumb_tip",))
    assert np.isfinite(tip.images[0].hands[0].centre_px).all()


def test_training_leaves_out_hands_of_unknown_size(tmp_path: Path) -> None:
    folder = with_one_label(labelled_folder(tmp_path / "set", count=4), 1)
    assert len(with_known_size(load(folder))) == 3
    with pytest.raises(AnnotationError, match="label both tips"):
        with_known_size(load(with_one_label(folder, 4)))


def test_a_label_of_unknown_size_is_matched_within_the_crop() -> None:
    point = hand_shape(50, 50)[THUMB_TIP]
    box = np.concatenate((point, point))
    position = np.full((21, 2), np.nan)
    position[THUMB_TIP] = point
    label = np.where(np.arange(21) == THUMB_TIP, 2, 0)
    one = LabelledHand(position, label, "", box)
    far = LabelledHand(position + 400, label, "", box + 400)
    near = HandPrediction(CropBox(70, 60, 100), hand_shape(50, 50))
    assert match_hands([one, far], [near]) == [near, None]


def test_two_weights_of_one_model_are_two_rows() -> None:
    first, second = tiny_weights(), tiny_weights()
    second = replace(second, card=replace(tiny_card(), seed=7, sha256="1" * 64))
    names = names_of([first, second])
    assert len(set(names)) == 2
    assert names == [first.name, second.name]


def test_unknown_keypoints_are_refused(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set", count=1)
    file = folder / "annotations.json"
    file.write_text(file.read_text().replace("index_tip", "index_nail"))
    with pytest.raises(AnnotationError, match="index_nail"):
        figures(folder, DotEngine())


def test_two_hands_are_matched_by_place() -> None:
    places = [hand_shape(80, 120, size=70), hand_shape(240, 120, size=70)]
    found = predict_keypoints(DotEngine(), paint(places))
    labels = [
        LabelledHand(p, np.full(21, 2), "", np.r_[p.min(axis=0), p.max(axis=0)]) for p in places
    ]
    matched = match_hands(labels, found)
    for label, view in zip(labels, matched, strict=True):
        assert view is not None
        assert np.linalg.norm(view.position_px - label.position_px, axis=1).max() < 3
    assert match_hands(labels, found[:1]).count(None) == 1
    far = HandPrediction(CropBox(1000, 1000, 50), places[0])
    assert match_hands(labels, [far]) == [None, None]
    assert match_hands(labels[:1], [far]) == [far]


def test_windows_may_be_given() -> None:
    keypoints = hand_shape(120, 120, size=80)
    around = CropBox(120, 120, 140)
    engine = DotEngine()
    (seen,) = predict_keypoints(engine, paint([keypoints]), [around], 96)
    assert engine.images_seen == 2  # once as it is, once mirrored: nothing was searched
    assert seen.box == around
    assert np.linalg.norm(seen.position_px - keypoints, axis=1).max() < 3
    assert predict_keypoints(engine, paint([keypoints]), []) == []


def test_luminance_is_that_of_skin_where_there_is_some() -> None:
    image = np.full((100, 100, 3), (20, 40, 200), np.uint8)
    image[40:60, 40:60] = (224, 172, 140)
    expected = 0.299 * 224 + 0.587 * 172 + 0.114 * 140
    assert skin_luminance(image, np.array([30.0, 30, 70, 70])) == pytest.approx(expected, abs=1)
    blue = 0.299 * 20 + 0.587 * 40 + 0.114 * 200
    assert skin_luminance(image, np.array([0.0, 0, 30, 30])) == pytest.approx(blue, abs=1)
    assert np.isnan(skin_luminance(image, np.array([200.0, 200, 210, 210])))

"""Figures for whole images, with an engine that sees coloured dots."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tapscope.datasets.annotations import LabelledHand, load
from tapscope.errors import AnnotationError
from tapscope.evaluation.predict import (
    HandPrediction,
    evaluate_set,
    match_hands,
    predict_keypoints,
    skin_luminance,
)
from tapscope.evaluation.scores import Scored, figures_of
from tapscope.network.crop import CropBox
from tapscope.network.engine import Engine
from tests.hands import DotEngine, hand_shape, labelled_folder, paint


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

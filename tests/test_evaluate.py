"""Figures for whole pictures, with an engine that sees coloured dots."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tapscope.annotations import LabelledHand, load
from tapscope.crop import Window
from tapscope.errors import AnnotationError
from tapscope.evaluate import evaluate_folder, match, place_joints
from tapscope.hand import JOINTS, Measured
from tapscope.locate import HandView
from tests.hands import DotEngine, hand_shape, labelled_folder, paint


def test_perfect_eyes_get_perfect_figures(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    found = evaluate_folder(
        labelled_folder(tmp_path / "set", pictures=4),
        DotEngine(),
        on_image=lambda *s: steps.append(s),
    )
    assert steps[-1] == (4, 4)
    assert found["n"] == 8
    assert found["found"] == found["pck@5"] == 1.0
    assert found["all_joints"]["n"] == 80  # type: ignore[index]
    assert sorted(found["groups"]) == [f"person-{n}" for n in range(4)]  # type: ignore[call-overload]
    json.dumps(found)


def test_hand_that_is_not_found_counts_as_wrong(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set", pictures=4)
    first = load(folder).images[0]
    cv2.imwrite(str(first.path), np.zeros((160, 160, 3), np.uint8))
    found = evaluate_folder(folder, DotEngine())
    assert found["n"] == 8
    assert found["found"] == found["pck@20"] == 0.75


def test_unknown_joints_are_refused(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set", pictures=1)
    file = folder / "annotations.json"
    file.write_text(file.read_text().replace("index_tip", "index_nail"))
    with pytest.raises(AnnotationError, match="index_nail"):
        evaluate_folder(folder, DotEngine())


def test_two_hands_are_matched_by_place() -> None:
    places = [hand_shape(80, 120, size=70), hand_shape(240, 120, size=70)]
    found = place_joints(DotEngine(), paint(places))
    labels = [
        LabelledHand(p, np.full(21, 2), "", np.r_[p.min(axis=0), p.max(axis=0)]) for p in places
    ]
    matched = match(labels, found)
    for label, view in zip(labels, matched, strict=True):
        assert view is not None
        assert np.linalg.norm(view.position_px - label.position_px, axis=1).max() < 3
    assert match(labels, found[:1]).count(None) == 1
    far = HandView(
        Window(1000, 1000, 50), places[0], np.ones(21), np.ones(21), Measured.among(JOINTS)
    )
    assert match(labels, [far]) == [None, None]
    assert match(labels[:1], [far]) == [far]

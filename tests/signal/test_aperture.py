"""Apertures from key points."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapscope.hand import INDEX_TIP, THUMB_TIP, WRIST
from tapscope.records import Keypoints
from tapscope.signal.aperture import from_keypoints
from tests.synthetic import frames, hand, tapping


def tapping_hand(rate_hz: float = 3.0) -> Keypoints:
    time_s = frames()
    return hand(20 + 100 * tapping(rate_hz)(time_s), time_s)


def test_units_agree() -> None:
    found = from_keypoints(tapping_hand(), px_per_mm=2.0)
    assert found.hand_px == pytest.approx(120)
    np.testing.assert_allclose(found.aperture_hand * 120, found.aperture_px)
    np.testing.assert_allclose(found.aperture_mm * 2, found.aperture_px)
    assert [found.px_per_unit(unit) for unit in ("px", "hand_lengths", "mm")] == [1, 120, 2]
    assert np.isnan(found.px_per_unit("deg"))
    assert found.trajectory().unit == "hand_lengths"
    np.testing.assert_array_equal(found.trajectory("deg").aperture, found.angle_deg)


def test_without_wrist_the_unit_falls_back_to_pixels_and_says_so() -> None:
    keypoints = tapping_hand()
    keypoints.position_px[:, WRIST] = np.nan
    found = from_keypoints(keypoints)
    assert np.isnan(found.hand_px)
    assert np.isnan(found.aperture_hand).all()
    assert np.isnan(found.angle_deg).all()
    assert found.trajectory().unit == "px"
    assert "unknown" in found.trajectory().info["unit"]


def test_keypoints_may_be_only_the_tips() -> None:
    whole = tapping_hand()
    tips = [THUMB_TIP, INDEX_TIP]
    keypoints = Keypoints(
        whole.time_s,
        whole.position_px[:, tips],
        whole.confidence[:, tips],
        whole.reason,
        ("thumb_tip", "index_tip"),
        whole.blur_px,
        whole.agreement,
    )
    found = from_keypoints(keypoints)
    assert np.isfinite(found.aperture_px).all()
    assert np.isnan(found.angle_deg).all()


def test_units_that_cannot_be_are_refused() -> None:
    found = from_keypoints(tapping_hand())
    with pytest.raises(ValueError, match="calibration"):
        found.trajectory("mm")
    with pytest.raises(ValueError, match="no unit 'none'"):
        found.trajectory("none")


def test_every_unknown_frame_has_its_reason() -> None:
    keypoints = tapping_hand()
    keypoints.reason[3] = "no_hand"
    keypoints.confidence[5, INDEX_TIP] = 0.1
    keypoints.position_px[7, THUMB_TIP] = np.nan
    keypoints.position_px[9, INDEX_TIP] = (600.0, 20.0)
    found = from_keypoints(keypoints)
    assert found.reason[[3, 5, 7, 9]].tolist() == ["no_hand", "low_confidence", "no_tips", "jump"]
    np.testing.assert_array_equal(np.isnan(found.aperture_px), found.reason != "")
    assert (found.reason != "").sum() == 4
    assert found.info["frames_jumped"] == "1"


def test_a_single_frame_far_off_is_a_jump_even_without_hand_length() -> None:
    keypoints = tapping_hand()
    keypoints.position_px[:, WRIST] = np.nan
    keypoints.position_px[50, INDEX_TIP, 1] -= 400
    assert np.flatnonzero(from_keypoints(keypoints).reason == "jump").tolist() == [50]


def test_a_tip_off_its_finger_is_a_jump() -> None:
    keypoints = tapping_hand()
    dip = keypoints.names.index("index_dip")
    keypoints.position_px[:, dip] = keypoints.position_px[:, INDEX_TIP] + (20.0, 0.0)
    keypoints.position_px[80, INDEX_TIP, 0] -= 60
    assert np.flatnonzero(from_keypoints(keypoints).reason == "jump").tolist() == [80]


@pytest.mark.parametrize("phase", [0.0, 0.2, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("rate_hz", [6.0, 8.0])
def test_fast_taps_are_no_jumps(rate_hz: float, phase: float) -> None:
    time_s = frames()
    motion = tapping(rate_hz, phase=phase, seed=1, jitter=0.05, spread=0.15)
    assert (from_keypoints(hand(15 + 120 * motion(time_s), time_s)).reason == "").all()


@settings(max_examples=20)
@given(
    turn=st.floats(-np.pi, np.pi),
    scale=st.floats(0.3, 3.0),
    shift=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    mirrored=st.booleans(),
)
def test_aperture_in_hands_ignores_where_the_hand_is(
    turn: float, scale: float, shift: tuple[float, float], mirrored: bool
) -> None:
    keypoints = tapping_hand()
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = keypoints.position_px @ rotation.T * scale
    if mirrored:
        moved = moved * (-1, 1)
    there = from_keypoints(replace(keypoints, position_px=moved + shift))
    here = from_keypoints(keypoints)
    np.testing.assert_allclose(there.aperture_hand, here.aperture_hand, rtol=1e-6)
    np.testing.assert_allclose(there.angle_deg, here.angle_deg, atol=1e-5)
    np.testing.assert_allclose(there.aperture_px, scale * here.aperture_px, rtol=1e-6)


def test_nothing_known_gives_nothing_and_no_warning() -> None:
    keypoints = tapping_hand()
    keypoints.position_px[:] = np.nan
    found = from_keypoints(keypoints)
    assert np.isnan(found.aperture_px).all()
    assert (found.reason == "no_tips").all()

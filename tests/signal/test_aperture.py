"""Apertures from key points."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapscope.hand import INDEX_TIP, MIDDLE_MCP, THUMB_TIP, WRIST
from tapscope.protocol.rules import KeypointRules
from tapscope.records import FloatArray, Keypoints
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
    assert [found.px_per_unit(unit) for unit in ("px", "hand_lengths", "mm")] == pytest.approx(
        [1, 120, 2]
    )
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


def test_tips_that_jump_as_the_hand_enters_or_leaves_are_unknown() -> None:
    keypoints = tapping_hand()
    keypoints.position_px[40:200, INDEX_TIP, 1] = 240 - 30  # at rest
    keypoints.reason[:40] = "no_hand"
    keypoints.reason[200:] = "no_hand"
    keypoints.position_px[40, INDEX_TIP, 1] -= 90
    keypoints.position_px[198:200, INDEX_TIP, 1] -= (70, 150)
    keypoints.position_px[100:140, INDEX_TIP, 1] -= 100 * tapping(3.0)(keypoints.time_s[100:140])
    found = from_keypoints(keypoints)
    assert np.flatnonzero(found.reason == "jump").tolist() == [40, 198, 199]


def test_a_recording_that_begins_within_a_fast_tap_keeps_its_first_frames() -> None:
    time_s = frames()
    found = from_keypoints(hand(15 + 120 * tapping(7.0, phase=0.3)(time_s), time_s))
    assert (found.reason == "").all()


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


def distant_hand(scale: FloatArray, time_s: FloatArray, aperture: FloatArray) -> Keypoints:
    """Return a hand seen at `scale` times its usual size, frame by frame."""
    keypoints = hand(20 + 100 * aperture, time_s)
    return replace(keypoints, position_px=keypoints.position_px * scale[:, None, None])


def test_a_hand_that_recedes_shows_no_decrement() -> None:
    time_s = frames(10.0)
    aperture = tapping(2.0, 10.0)(time_s)
    found = from_keypoints(distant_hand(np.linspace(1.0, 0.7, len(time_s)), time_s, aperture))
    np.testing.assert_allclose(found.aperture_hand * 120, 20 + 100 * aperture, rtol=0.03)
    assert found.hand_px == pytest.approx(0.85 * 120, rel=0.02)


def test_one_scale_for_the_recording_when_the_protocol_says_so() -> None:
    time_s = frames(10.0)
    keypoints = distant_hand(np.linspace(1.0, 0.7, len(time_s)), time_s, tapping(2.0)(time_s))
    found = from_keypoints(keypoints, KeypointRules(hand_scale_window_s=0))
    assert np.ptp(found.hand_scale_px) == 0
    assert found.hand_px == pytest.approx(120 * 0.97, rel=0.01)


def test_foreshortening_within_taps_and_a_turn_of_a_second_do_not_move_the_scale() -> None:
    time_s = frames(10.0)
    aperture = tapping(2.0, 10.0)(time_s)
    keypoints = hand(20 + 100 * aperture, time_s)
    turned = (time_s > 4.0) & (time_s < 5.0)
    shorter = 1 - 0.15 * aperture - 0.4 * turned
    shorter += 0.02 * np.random.default_rng(0).normal(size=len(time_s))
    keypoints.position_px[:, MIDDLE_MCP, 1] = 400 - 120 * shorter
    scale_px = from_keypoints(keypoints).hand_scale_px
    assert np.ptp(scale_px) < 0.03 * 120
    assert np.median(scale_px) == pytest.approx(120, rel=0.04)


def test_frames_that_are_not_believed_do_not_move_the_scale() -> None:
    time_s = frames(10.0)
    keypoints = hand(np.full(len(time_s), 50.0), time_s)
    keypoints.position_px[time_s > 6, MIDDLE_MCP, 1] = 0
    keypoints.confidence[time_s > 6, MIDDLE_MCP] = 0.2
    np.testing.assert_allclose(from_keypoints(keypoints).hand_scale_px, 120)


def test_a_hand_known_in_three_seconds_has_one_scale() -> None:
    time_s = frames(10.0)
    keypoints = distant_hand(np.linspace(1.0, 0.7, len(time_s)), time_s, np.ones(len(time_s)))
    keypoints.position_px[time_s > 2.9, WRIST] = np.nan
    found = from_keypoints(keypoints)
    assert np.ptp(found.hand_scale_px) == 0
    assert np.isfinite(found.aperture_hand).all()

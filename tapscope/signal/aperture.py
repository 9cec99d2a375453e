"""From keypoints to the aperture of the hand, in every unit that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.protocol.rules import KeypointRules
from tapscope.records import FloatArray, Keypoints, Trajectory, Unit
from tapscope.signal.hand_scale import HAND_PERCENTILE, hand_scale_px

_OUT_OF_VIEW_S: Final = 0.2
"""Without tips for longer than this, the hand was out of view."""
_MAX_EDGE_FRAMES: Final = 3
"""Frames in which a hand that enters or leaves may jump."""


@dataclass(frozen=True, slots=True)
class Apertures:
    """Aperture of the hand in each frame; NaN where unknown."""

    time_s: FloatArray
    """Presentation time of each frame in seconds; shape (frames,)."""
    aperture_px: FloatArray
    """Distance of the tips of thumb and index finger in pixels; shape (frames,)."""
    angle_deg: FloatArray
    """Angle thumb tip - wrist - index tip in degrees; shape (frames,)."""
    reason: NDArray[np.str_]
    """Why the aperture is unknown: '' where known; shape (frames,)."""
    hand_scale_px: FloatArray
    """Length of the hand, wrist to middle knuckle, smooth in time; NaN unknown; shape (frames,)."""
    second_px: FloatArray
    """Distance of thumb_ip and index_dip, the keypoints next to the tips, in pixels: it opens and
    closes with the aperture and does not depend on the tips; NaN unknown; shape (frames,)."""
    px_per_mm: float = float("nan")
    """Pixels a millimetre, from a calibration; NaN without one."""
    info: Mapping[str, str] = field(default_factory=dict)
    """How it was made, step by step."""

    @property
    def hand_px(self) -> float:
        """Return the median length of the hand over the recording; NaN unknown."""
        return float(np.median(self.hand_scale_px)) if len(self.time_s) else float("nan")

    @property
    def aperture_hand(self) -> FloatArray:
        """Return the aperture in hand lengths; NaN where the hand's length is unknown."""
        return self.aperture_px / self.hand_scale_px

    @property
    def aperture_mm(self) -> FloatArray:
        """Return the aperture in millimetres; NaN without calibration."""
        return self.aperture_px / self.px_per_mm

    def px_per_unit(self, unit: Unit) -> float:
        """Return how many pixels one unit of aperture makes (median); NaN for degrees."""
        return {"px": 1.0, "hand_lengths": self.hand_px, "mm": self.px_per_mm}.get(
            unit, float("nan")
        )

    def trajectory(self, unit: Unit | None = None) -> Trajectory:
        """Return the aperture in one unit.

        Without a unit: hand lengths, or pixels where the length of the hand is unknown (said in
        the information).

        Raises
        ------
        ValueError
            If the unit is none of an aperture, or mm without a calibration.
        """
        info = dict(self.info)
        if unit is None:
            unit = "hand_lengths" if np.isfinite(self.hand_px) else "px"
            if unit == "px":
                info["unit"] = "px, because the length of the hand is unknown"
        if unit == "mm" and np.isnan(self.px_per_mm):
            raise ValueError("an aperture in mm needs a calibration (px_per_mm)")
        apertures = {
            "px": self.aperture_px,
            "hand_lengths": self.aperture_hand,
            "mm": self.aperture_mm,
            "deg": self.angle_deg,
        }
        if unit not in apertures:
            raise ValueError(f"an aperture has no unit {unit!r}; it has {', '.join(apertures)}")
        return Trajectory(self.time_s, apertures[unit], unit, "video", info=info)


def from_keypoints(
    keypoints: Keypoints,
    rules: KeypointRules = KeypointRules(),  # noqa: B008 - frozen
    px_per_mm: float = float("nan"),
    is_certain: NDArray[np.bool_] | None = None,
) -> Apertures:
    """Turn keypoints into apertures, leaving out what cannot be believed.

    Nothing is filled in or smoothed here: that is done on true time stamps when taps are found. A
    frame is unknown (NaN) for the reason that the keypoints give, or 'low_confidence', or
    'jump' where a tip left its finger: further from its own keypoint than any finger is long, an
    aperture wider than any hand, a single frame far off both neighbours and beyond the movement
    of the whole recording, or one far off its neighbour as the hand enters or leaves view. Speed
    is no criterion, because at 8 taps a second and 30 frames a second a true tap crosses its whole
    range from one frame to the next. Frames that are certain, because a person placed a tip in
    them, are no 'jump'; shape (frames,).
    """
    thumb, index = keypoints.position_of("thumb_tip"), keypoints.position_of("index_tip")
    aperture_px: FloatArray = np.linalg.norm(index - thumb, axis=1)
    reason = np.where(keypoints.reason == "", "", keypoints.reason).astype(np.dtype("U32"))
    tips = [keypoints.names.index(name) for name in ("thumb_tip", "index_tip")]
    unsure = keypoints.confidence[:, tips].min(axis=1) < rules.min_confidence
    reason[(reason == "") & unsure] = "low_confidence"
    reason[(reason == "") & np.isnan(aperture_px)] = "no_tips"
    aperture_px = np.where(reason == "", aperture_px, np.nan)
    length_px = _sure_distance_px(keypoints, "wrist", "middle_mcp", rules)
    scale_px = hand_scale_px(keypoints.time_s, length_px, rules.hand_scale_window_s)
    jumped = (
        _left_finger(keypoints, "thumb_tip", "thumb_ip", rules)
        | _left_finger(keypoints, "index_tip", "index_dip", rules)
        | (aperture_px > rules.max_aperture_hands * scale_px)
    )
    jumped |= _spikes(np.where(jumped, np.nan, aperture_px), rules)
    jumped |= _entering(keypoints.time_s, np.where(jumped, np.nan, aperture_px), rules)
    if is_certain is not None:
        jumped &= ~is_certain
    reason[(reason == "") & jumped] = "jump"
    known = reason == ""
    found = Apertures(
        time_s=keypoints.time_s,
        aperture_px=np.where(known, aperture_px, np.nan),
        angle_deg=np.where(known, _angle_deg(keypoints), np.nan),
        reason=reason,
        hand_scale_px=scale_px,
        second_px=_sure_distance_px(keypoints, "thumb_ip", "index_dip", rules),
        px_per_mm=px_per_mm,
    )
    info = {
        **keypoints.info,
        "frames_unknown": str(int((~known).sum())),
        "frames_jumped": str(int((reason == "jump").sum())),
        "hand_px": f"{found.hand_px:.1f} (wrist to middle knuckle, smooth in time, its median)",
    }
    return replace(found, info=info)


def without(apertures: Apertures, is_excluded: NDArray[np.bool_]) -> Apertures:
    """Return apertures that are unknown where a frame is excluded; shape (frames,)."""
    return replace(
        apertures,
        aperture_px=np.where(is_excluded, np.nan, apertures.aperture_px),
        angle_deg=np.where(is_excluded, np.nan, apertures.angle_deg),
        second_px=np.where(is_excluded, np.nan, apertures.second_px),
        reason=np.where(is_excluded, "excluded", apertures.reason),
    )


def _distance_px(keypoints: Keypoints, one: str, other: str) -> FloatArray:
    """Return the distance of two keypoints in each frame; NaN where either is missing."""
    if one not in keypoints.names or other not in keypoints.names:
        return np.full(len(keypoints.time_s), np.nan)
    distance: FloatArray = np.linalg.norm(
        keypoints.position_of(one) - keypoints.position_of(other), axis=1
    )
    return distance


def _percentile(values: FloatArray, share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, share)) if len(known) else float("nan")


def _sure_distance_px(
    keypoints: Keypoints, one: str, other: str, rules: KeypointRules
) -> FloatArray:
    """Return the distance of two keypoints in the frames in which both are believed."""
    distance_px = _distance_px(keypoints, one, other)
    if not np.isfinite(distance_px).any():
        return distance_px
    both = [keypoints.names.index(name) for name in (one, other)]
    is_sure = keypoints.confidence[:, both].min(axis=1) >= rules.min_confidence
    return np.where(is_sure, distance_px, np.nan)


def _left_finger(
    keypoints: Keypoints, tip: str, keypoint: str, rules: KeypointRules
) -> NDArray[np.bool_]:
    """Return the frames where a tip is further from its keypoint than its finger is long."""
    length = _distance_px(keypoints, tip, keypoint)
    return length > rules.max_finger_ratio * _percentile(length, HAND_PERCENTILE)


def _spikes(aperture_px: FloatArray, rules: KeypointRules) -> NDArray[np.bool_]:
    """Return single frames that leave both known neighbours by far more than the movement."""
    spikes = np.zeros(len(aperture_px), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(aperture_px))
    if len(known) < 5:
        return spikes
    values = aperture_px[known]
    low, high = np.percentile(values, [2, 98])
    least = rules.max_spike_ranges * (high - low)
    before, after = values[1:-1] - values[:-2], values[1:-1] - values[2:]
    alone = (np.minimum(np.abs(before), np.abs(after)) > least) & (before * after > 0)
    spikes[known[1:-1][alone]] = True
    return spikes


def _entering(
    time_s: FloatArray, aperture_px: FloatArray, rules: KeypointRules
) -> NDArray[np.bool_]:
    """Return the first frames after, and the last before, a time without a hand that jump.

    There the hand is partly out of view and its tips are guesses; a frame too many costs nothing.
    """
    jumps = np.zeros(len(aperture_px), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(aperture_px))
    if len(known) < 5:
        return jumps
    low, high = np.percentile(aperture_px[known], [2, 98])
    least = rules.max_edge_ranges * (high - low)
    padded_s = np.concatenate([[time_s[0]], time_s[known], [time_s[-1]]])
    breaks = np.flatnonzero(np.diff(padded_s) > _OUT_OF_VIEW_S)
    for place in breaks:
        for inwards in (known[:place][::-1], known[place:]):
            for here, further in pairwise(inwards[: _MAX_EDGE_FRAMES + 1]):
                if abs(aperture_px[here] - aperture_px[further]) <= least:
                    break
                jumps[here] = True
    return jumps


def _angle_deg(keypoints: Keypoints) -> FloatArray:
    """Return the angle between the tips as seen from the wrist, 0 to 180 degrees."""
    if "wrist" not in keypoints.names:
        return np.full(len(keypoints.time_s), np.nan)
    wrist = keypoints.position_of("wrist")
    thumb, index = (
        keypoints.position_of("thumb_tip") - wrist,
        keypoints.position_of("index_tip") - wrist,
    )
    cross = thumb[:, 0] * index[:, 1] - thumb[:, 1] * index[:, 0]
    angle: FloatArray = np.degrees(np.arctan2(np.abs(cross), np.sum(thumb * index, axis=1)))
    return angle

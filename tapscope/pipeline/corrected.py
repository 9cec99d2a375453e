"""Apply what a rater corrected: to the keypoints, the apertures, and what is found in them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tapscope.corrections.in_force import Corrections
from tapscope.pipeline.tapping import Tapping, find_tapping
from tapscope.protocol.protocol import Protocol
from tapscope.records import Keypoints, Taps, Trajectory
from tapscope.signal.aperture import Apertures, from_keypoints, without
from tapscope.signal.given_taps import given_taps, task_between
from tapscope.signal.taps import taps_of


def corrected_apertures(
    keypoints: Keypoints,
    frames: NDArray[np.integer],
    protocol: Protocol,
    px_per_mm: float,
    corrections: Corrections | None,
) -> tuple[Keypoints, Apertures]:
    """Return the keypoints with the tips where a rater set them, and the apertures.

    Parameters
    ----------
    keypoints
        Of the frames that show a new picture.
    frames
        Their numbers among all decoded frames; shape (frames,).
    protocol
        The measurement rules.
    px_per_mm
        Calibration; NaN without one.
    corrections
        None where nobody corrected anything.
    """
    if corrections is None:
        return keypoints, from_keypoints(keypoints, protocol.keypoints, px_per_mm)
    position, confidence = keypoints.position_px.copy(), keypoints.confidence.copy()
    agreement, reason = keypoints.agreement.copy(), keypoints.reason.copy()
    is_certain = np.zeros(len(frames), dtype=np.bool_)
    for (frame, name), place in corrections.tips:
        here = frames == frame
        tip = keypoints.names.index(name)
        position[here, tip], confidence[here, tip] = place, 1.0
        is_certain |= here
    # the network is not asked about what a person settled
    agreement[is_certain], reason[is_certain] = np.nan, ""
    keypoints = replace(
        keypoints,
        position_px=position,
        confidence=confidence,
        agreement=agreement,
        reason=reason,
    )
    found = from_keypoints(keypoints, protocol.keypoints, px_per_mm, is_certain)
    return keypoints, without(found, _is_excluded(keypoints, corrections))


def corrected_tapping(
    trajectory: Trajectory, protocol: Protocol, corrections: Corrections | None
) -> Tapping:
    """Find the task and its taps, and put a rater's in their place.

    Without closures of the rater, the taps within the rater's task are found as always. No tap
    reaches into an excluded span.
    """
    found = find_tapping(trajectory, protocol)
    if corrections is None:
        return found
    task, taps = found.task, found.taps
    if corrections.closures_s is not None:
        task, taps = given_taps(
            corrections.closures_s,
            found.movement,
            trajectory,
            task,
            protocol.taps,
            placed_s=corrections.placed_s,
            span_s=corrections.task_s,
        )
    elif corrections.task_s is not None:
        task = task_between(found.movement, corrections.task_s, task, protocol.taps)
        taps = taps_of(found.movement, trajectory, task, protocol.taps)
    return replace(found, task=task, taps=_outside(taps, corrections))


def _is_excluded(keypoints: Keypoints, corrections: Corrections) -> NDArray[np.bool_]:
    is_excluded = np.zeros(len(keypoints.time_s), dtype=np.bool_)
    for span in corrections.excluded:
        is_excluded |= (keypoints.time_s >= span.start_s) & (keypoints.time_s <= span.end_s)
    return is_excluded


def _outside(taps: Taps, corrections: Corrections) -> Taps:
    kept = np.ones(len(taps), dtype=np.bool_)
    for span in corrections.excluded:
        kept &= (taps.next_closure_s <= span.start_s) | (taps.closure_s >= span.end_s)
    return taps.select(kept)

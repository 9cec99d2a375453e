"""Accuracy of keypoints: PCK, MPJPE under a threshold, and the calibration of the confidence.

Definitions after Li et al. 2021 (cited in `pmsdsnet`): an undetected keypoint counts as wrong in
PCK; MPJPE@t is the mean error of the keypoints with an error under t, with their number.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.records import FloatArray

THRESHOLDS_PX = (5, 10, 20)
THRESHOLDS_HAND = (0.05, 0.1, 0.2)


def pck(error: FloatArray, threshold: float) -> float:
    """Return the share of errors under a threshold; NaN errors (undetected) count as wrong.

    Returns NaN when there is no keypoint at all.
    """
    if error.size == 0:
        return float("nan")
    return float(np.mean(np.nan_to_num(error, nan=np.inf) < threshold))


def mpjpe(error: FloatArray, threshold: float) -> tuple[float, int]:
    """Return the mean of the errors under a threshold and their number."""
    near = error[np.nan_to_num(error, nan=np.inf) < threshold]
    return (float(near.mean()) if near.size else float("nan"), int(near.size))


def summary(
    error_px: FloatArray, hand_px: FloatArray, found: NDArray[np.bool_]
) -> dict[str, object]:
    """Return all accuracy figures of some keypoints, by name; None where nothing tells them.

    Parameters
    ----------
    error_px
        Distance from the label of each labelled keypoint in pixels; NaN undetected; shape (n,).
    hand_px
        Longer side of the hand that each keypoint belongs to; NaN unknown; shape (n,). Keypoints
        of hands of unknown size are left out of the shares within a part of the hand.
    found
        Whether the hand of each image was found; shape (images,).
    """
    scaled = (error_px / hand_px)[np.isfinite(hand_px)]
    row: dict[str, object] = {"n": int(error_px.size), "found": float(found.mean())}
    row["median_error_px"] = float(np.nanmedian(error_px)) if np.isfinite(error_px).any() else None
    for t in THRESHOLDS_PX:
        row[f"pck@{t}"] = pck(error_px, t) if error_px.size else None
    for share in THRESHOLDS_HAND:
        row[f"pck@{share}"] = pck(scaled, share) if scaled.size else None
    for t in THRESHOLDS_PX:
        error, count = mpjpe(error_px, t)
        row[f"mpjpe@{t}"] = {"error_px": error if count else None, "count": count}
    return row


MIN_OF_EACH: Final = 30
"""Good, and also bad, keypoints needed to fit the three numbers: ten each (Peduzzi and others 1996,
J Clin Epidemiol 49:1373). With fewer bad ones the fit would call every keypoint good."""


def can_calibrate(good: NDArray[np.bool_]) -> bool:
    """Return whether there are enough good and bad keypoints for `calibrate`."""
    return bool(min(good.sum(), (~good).sum()) >= MIN_OF_EACH)


def calibrate(features: FloatArray, good: NDArray[np.bool_]) -> FloatArray:
    """Fit logistic(features @ slopes + intercept) to whether keypoints were good.

    Newton's method with a light ridge on the slopes, so that perfectly separated keypoints
    still give a finite answer.

    Parameters
    ----------
    features
        Shape (samples, features).
    good
        Shape (samples,).

    Returns
    -------
    ndarray
        The slopes, then the intercept; shape (features + 1,).
    """
    design = np.column_stack([features, np.ones(len(features))])
    ridge = np.diag([1e-3] * features.shape[1] + [1e-6])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (good - chance) - ridge @ beta
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, gradient)
        # A long first step can overshoot into saturation, from which Newton does not return.
        beta += step / max(1.0, float(np.abs(step).max()) / 5)
        if float(np.abs(step).max()) < 1e-8:
            break
    return beta

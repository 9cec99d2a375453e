"""How far moving tips smear in an image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.records import FloatArray


def edge_smear_px(image: NDArray[np.uint8], tips_px: FloatArray, box_side: float) -> float:
    """Estimate over how many pixels the edges near the tips are smeared.

    An edge blurred by a Gaussian of width s, blurred again by s0, loses gradient by the ratio
    R = sqrt(s^2 + s0^2) / s, so s = s0 / sqrt(R^2 - 1) (Zhuo & Sim 2011,
    doi 10.1016/j.patcog.2011.03.009). A uniform smear of length L has s = L / sqrt(12).

    Returns
    -------
    float
        Length L in pixels, the larger of both tips; NaN where no edge is seen.
    """
    radius = int(np.clip(0.12 * box_side, 6, 24))
    again = 1.5
    lengths = []
    for x, y in tips_px:
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        left, top = max(0, int(x) - radius), max(0, int(y) - radius)
        patch = image[top : int(y) + radius + 1, left : int(x) + radius + 1]
        if min(patch.shape[:2]) < 6:
            continue
        grey = patch[:, :, 1].astype(np.float32)
        softer = cv2.GaussianBlur(grey, (0, 0), again)
        before, after = (
            np.hypot(cv2.Sobel(g, cv2.CV_32F, 1, 0), cv2.Sobel(g, cv2.CV_32F, 0, 1))
            for g in (grey, softer)
        )
        strong = before >= np.percentile(before, 90)
        if float(before[strong].mean()) < 20:  # nothing but noise
            continue
        ratio = float(np.median(before[strong] / np.maximum(after[strong], 1e-3)))
        lengths.append(np.sqrt(12.0) * again / np.sqrt(max(ratio**2 - 1, 1e-3)))
    return float(max(lengths)) if lengths else float("nan")

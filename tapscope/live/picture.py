"""The image that is shown: reduced, with both tips and where they came from."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.records import FloatArray
from tapscope.visualise.overlay.drawing import draw_tips

LONG_SIDE_PX: Final = 640
"""Longer side of the image that is shown, at most."""
_JPEG_QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class DrawnFrame:
    """A frame with its marks."""

    number: int
    """That of the frame."""
    image: NDArray[np.uint8]
    """RGB; not to be changed."""


def draw(number: int, image: NDArray[np.uint8], trail_px: FloatArray) -> DrawnFrame:
    """Return a frame with its marks.

    Parameters
    ----------
    number
        Of the frame.
    image
        RGB, not changed.
    trail_px
        Tips of the last frames, the last one now; shape (frames, 2, 2), NaN not believed.
    """
    height, width = image.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    if scale < 1.0:
        size = (round(width * scale), round(height * scale))
        shown = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    else:
        shown = image.copy()
    trail_px = scale * (trail_px + 0.5) - 0.5
    if len(trail_px):
        draw_tips(shown, trail_px[-1], trail_px, is_closed=False)
    return DrawnFrame(number, shown)


def jpeg(drawn: DrawnFrame) -> bytes:
    """Return a drawn frame as a JPEG image."""
    bgr = cv2.cvtColor(drawn.image, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return content.tobytes()

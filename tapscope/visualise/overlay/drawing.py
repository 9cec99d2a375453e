"""What is drawn on each frame: tips with trails, the moment of each tap, and the aperture below."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.records import FloatArray
from tapscope.visualise.stored_recording import StoredRecording

Image = NDArray[np.uint8]

TIP_COLOURS: Final = ((86, 180, 233), (230, 159, 0))
"""RGB of thumb tip and index tip: blue and orange, which colour-blind people tell apart."""
PANEL_PX: Final = 128
"""Height of the panel below the image; even, as H.264 wants it."""
WINDOW_S: Final = 4.0
"""Time that the panel shows, the present moment in its middle."""
TRAIL_S: Final = 0.35
TAP_MARK_S: Final = 0.12
"""How long a closure is marked on the image."""

_BACK: Final = (24, 24, 28)
_TASK: Final = (40, 44, 58)
_INK: Final = (236, 236, 240)
_PALE: Final = (150, 150, 160)
_CLOSURE: Final = (255, 120, 110)
_WIDEST: Final = (95, 196, 146)
_TEXT_PX: Final = 24
"""Height of the line of text at the top of the panel."""
_SHIFT: Final = 4
"""Binary digits of a pixel's fraction that OpenCV draws with."""


def draw_tips(image: Image, tips_px: FloatArray, trail_px: FloatArray, *, is_closed: bool) -> None:
    """Draw the tips, where they came from, and the closure of a tap, into an image.

    Parameters
    ----------
    image
        RGB, changed in place.
    tips_px
        Thumb and index tip in this image, shape (2, 2), NaN unknown.
    trail_px
        Their places in the pictures before, the last one now; shape (pictures, 2, 2).
    is_closed
        Whether to mark a closure.
    """
    size = max(2, round(min(image.shape[:2]) / 90))
    for tip, colour in enumerate(TIP_COLOURS):
        path = trail_px[:, tip]
        for n in range(1, len(path)):
            if np.isfinite(path[n - 1 : n + 1]).all():
                width = max(1, round(size * n / len(path)))
                ends = (_place(path[n - 1]), _place(path[n]))
                cv2.line(image, *ends, colour, width, cv2.LINE_AA, _SHIFT)
    known = [bool(np.isfinite(tip).all()) for tip in tips_px]
    if all(known):
        thumb, index = (_place(tip) for tip in tips_px)
        cv2.line(image, thumb, index, _INK, max(1, size // 3), cv2.LINE_AA, _SHIFT)
        if is_closed:
            ring = (3 * size) << _SHIFT
            middle = _place(tips_px.mean(axis=0))
            cv2.circle(image, middle, ring, _CLOSURE, max(2, size // 2), cv2.LINE_AA, _SHIFT)
    for tip, colour in enumerate(TIP_COLOURS):
        if known[tip]:
            place = _place(tips_px[tip])
            cv2.circle(image, place, (size + 1) << _SHIFT, (0, 0, 0), -1, cv2.LINE_AA, _SHIFT)
            cv2.circle(image, place, size << _SHIFT, colour, -1, cv2.LINE_AA, _SHIFT)


def _place(point: FloatArray) -> tuple[int, int]:
    x, y = (np.clip(point, -1e4, 1e4) * 2**_SHIFT).round().astype(int).tolist()
    return x, y


class AperturePanel:
    """The aperture over time, which runs through the panel below the image.

    Parameters
    ----------
    stored
        The recording.
    width
        Of the panel, pixels.
    """

    def __init__(self, stored: StoredRecording, width: int) -> None:
        self._stored = stored
        self._width = width
        self._closure_s = stored.closure_s
        self._px_per_s = width / WINDOW_S
        self._strip = self._draw_strip()

    def _draw_strip(self) -> Image:
        """Draw the whole recording once; each frame shows a part of it."""
        stored = self._stored
        last_s = float(stored.time_s[-1])
        height = PANEL_PX - _TEXT_PX
        # half a window before the first picture and after the last one; one column for rounding
        strip = np.full((height, self._column(last_s) + self._width // 2 + 2, 3), _BACK, np.uint8)
        if stored.task_s:
            first, last = (self._column(moment) for moment in stored.task_s)
            strip[:, first : last + 1] = _TASK
        largest = max(float(np.nanmax(stored.aperture, initial=0.0)), 1e-9)

        def point(moment_s: float, aperture: float) -> tuple[int, int]:
            return self._column(moment_s), round((height - 12) * (1 - aperture / largest)) + 5

        known = np.isfinite(stored.aperture)
        for n in np.flatnonzero(known[1:] & known[:-1]).tolist():
            start, end = (
                point(float(stored.time_s[m]), float(stored.aperture[m])) for m in (n, n + 1)
            )
            cv2.line(strip, start, end, _INK, 1, cv2.LINE_AA)
        if known.any():
            for moments, colour, marker in (
                (self._closure_s, _CLOSURE, cv2.MARKER_TRIANGLE_UP),
                (stored.taps.peak_s, _WIDEST, cv2.MARKER_DIAMOND),
            ):
                values = np.interp(moments, stored.time_s[known], stored.aperture[known])
                for moment, aperture in zip(moments.tolist(), values.tolist(), strict=True):
                    cv2.drawMarker(
                        strip, point(moment, aperture), colour, marker, 8, 2, cv2.LINE_AA
                    )
        return strip

    def _column(self, moment_s: float) -> int:
        return round(moment_s * self._px_per_s) + self._width // 2

    def at(self, row: int) -> Image:
        """Return the panel at the time of a picture, shape (PANEL_PX, width, 3)."""
        now_s = float(self._stored.time_s[row])
        panel = np.full((PANEL_PX, self._width, 3), _BACK, np.uint8)
        left = self._column(now_s) - self._width // 2
        part = self._strip[:, left : left + self._width]
        panel[_TEXT_PX:, : part.shape[1]] = part
        middle = self._width // 2
        cv2.line(panel, (middle, _TEXT_PX), (middle, PANEL_PX), TIP_COLOURS[1], 1)
        cv2.putText(
            panel, self._text(row, now_s), (8, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1,
            cv2.LINE_AA,
        )  # fmt: skip
        return panel

    def _text(self, row: int, now_s: float) -> str:
        stored = self._stored
        aperture = float(stored.aperture[row])
        unit = stored.unit.replace("_", " ")
        taps = f"tap {np.searchsorted(stored.taps.closure_s, now_s)} of {len(stored.taps)}"
        size = f"aperture {aperture:.2f} {unit}" if np.isfinite(aperture) else "tips not known"
        return f"{now_s:6.2f} s    {taps}    {size}"

    def is_closed(self, row: int) -> bool:
        """Return whether a closure is to be marked in a picture."""
        now_s = float(self._stored.time_s[row])
        return bool((np.abs(self._closure_s - now_s) <= TAP_MARK_S / 2).any())

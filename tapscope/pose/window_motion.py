"""How the window of a hand that is followed keeps up with it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tapscope.network.crop import Window
from tapscope.pose.detector import FILL, HandView

MOST_REACH = 0.46
"""A hand that reaches further from the middle of its window, in sides of it, may be cut off."""
LEAST_FILL = 0.56
"""A hand that fills less of its window is seen too small."""
MOST_STEP = 0.25
"""Sides of its window by which a hand may move on while a chunk passes."""


def fits(window: Window, better: Window) -> bool:
    """Say whether a window still shows the hand well enough to keep it.

    It may be loose, for a hand that closes opens again; it may not cut anything off.
    """
    reach = FILL * better.side / 2
    away = max(abs(window.x - better.x), abs(window.y - better.y))
    return (
        away + reach < MOST_REACH * window.side
        and 2 * reach > LEAST_FILL * window.side
        and window.turn_deg == better.turn_deg
    )


def moved_on(window: Window, views: Sequence[HandView | None]) -> Window:
    """Return where a window will be in as many frames as were just seen, if the hand goes on so.

    The palm says how the hand moves: the fingers tap.
    """
    palms = np.full((len(views), 2), np.nan)
    for n, view in enumerate(views):
        if view is not None:
            ends = [view.measured.wrist, view.measured.middle_mcp]
            palms[n] = view.position_px[ends].mean(axis=0)
    half = len(views) // 2
    if np.isnan(palms).any() or half < 2:
        return window
    way = 2 * (np.median(palms[-half:], axis=0) - np.median(palms[:half], axis=0))
    across, down = np.clip(way, -MOST_STEP * window.side, MOST_STEP * window.side)
    return replace(window, x=window.x + float(across), y=window.y + float(down))

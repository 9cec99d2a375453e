"""How the box of a hand that is followed keeps up with it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tapscope.network.crop import CropBox
from tapscope.pose.detector import HAND_TO_CROP_RATIO, HandDetection

MOST_REACH = 0.46
"""A hand that reaches further from the middle of its box, in sides of it, may be cut off."""
LEAST_FILL = 0.56
"""A hand that fills less of its box is seen too small."""
MOST_STEP = 0.25
"""Sides of its box by which a hand may move on while a chunk passes."""


def crop_contains(box: CropBox, better: CropBox) -> bool:
    """Say whether a box still shows the hand well enough to keep it.

    It may be loose, for a hand that closes opens again; it may not cut anything off.
    """
    reach = HAND_TO_CROP_RATIO * better.side / 2
    away = max(abs(box.x - better.x), abs(box.y - better.y))
    return (
        away + reach < MOST_REACH * box.side
        and 2 * reach > LEAST_FILL * box.side
        and box.rotation_deg == better.rotation_deg
    )


def predict_motion(box: CropBox, views: Sequence[HandDetection | None]) -> CropBox:
    """Return where a box will be in as many frames as were just seen, if the hand goes on so.

    The palm says how the hand moves: the fingers tap.
    """
    palms = np.full((len(views), 2), np.nan)
    for n, view in enumerate(views):
        if view is not None:
            ends = [view.measured.wrist, view.measured.middle_mcp]
            palms[n] = view.position_px[ends].mean(axis=0)
    half = len(views) // 2
    if np.isnan(palms).any() or half < 2:
        return box
    way = 2 * (np.median(palms[-half:], axis=0) - np.median(palms[:half], axis=0))
    across, down = np.clip(way, -MOST_STEP * box.side, MOST_STEP * box.side)
    return replace(box, x=box.x + float(across), y=box.y + float(down))

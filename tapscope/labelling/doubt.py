"""How doubtful each frame of a recording is, and a spread choice of doubtful frames."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from tapscope.pipeline.result_reader import TipTracks
from tapscope.records import FloatArray

_JUMP_HANDS: Final = 0.2
"""A tip so far from the median of its neighbours in time, in hand lengths, is a whole doubt."""
_JUMP_FRAMES: Final = 5
_FAST_HANDS_PER_S: Final = 8.0
"""Tips that part or meet so fast are half a doubt: they are blurred, but often right."""
_FAST_SHARE: Final = 0.5
_LONGEST_GAP_S: Final = 0.5
"""So long after and before the tips were known the hand may be out of the image."""


def doubt(tips: TipTracks, hand_px: float) -> FloatArray:
    """Return the doubt of each picture, 0 to 2.5, shape (pictures,); NaN: is the hand there?

    It is the sum of: 1 less the confidence of the weaker tip; the larger jump of a tip away from
    the median of five pictures; and half the speed of the tips to each other. Each is at most 1
    before it is summed; an unknown tip has no confidence. Pictures without known tips within half
    a second are NaN, because the hand may have left.

    Parameters
    ----------
    tips
        Of one recording.
    hand_px
        Length of the hand, wrist to middle knuckle; where it is NaN, jump and speed do not count.
    """
    uncertain = 1 - np.nan_to_num(tips.confidence).min(axis=1, initial=1.0)
    unknown = np.isnan(tips.position_px).any(axis=(1, 2))
    total = np.where(unknown, 1.0, uncertain)
    seen_s = tips.time_s[~unknown]
    if not len(seen_s):
        return np.full(len(total), np.nan)
    after = np.searchsorted(seen_s, tips.time_s)
    before_s = tips.time_s - seen_s[np.maximum(after - 1, 0)]
    after_s = seen_s[np.minimum(after, len(seen_s) - 1)] - tips.time_s
    total[np.minimum(np.abs(before_s), np.abs(after_s)) > _LONGEST_GAP_S] = np.nan
    if not np.isfinite(hand_px) or len(total) < _JUMP_FRAMES:
        return total
    known = known_places(tips)
    smooth = median_filter(known, size=(_JUMP_FRAMES, 1, 1), mode="nearest")
    jump = np.linalg.norm(known - smooth, axis=2).max(axis=1) / (_JUMP_HANDS * hand_px)
    distance = np.linalg.norm(known[:, 0] - known[:, 1], axis=1)
    speed = np.abs(np.gradient(distance, tips.time_s)) / (_FAST_HANDS_PER_S * hand_px)
    summed: FloatArray = total + np.minimum(jump, 1) + _FAST_SHARE * np.minimum(speed, 1)
    return summed


def known_places(tips: TipTracks) -> FloatArray:
    """Return the places of the tips, unknown ones between their neighbours in time.

    Returns
    -------
    ndarray
        Shape (pictures, 2, 2); NaN where a tip is never known.
    """
    filled = tips.position_px.copy()
    for tip in range(filled.shape[1]):
        known = np.isfinite(filled[:, tip]).all(axis=1)
        if not known.any():
            filled[:, tip] = np.nan
            continue
        for axis in range(2):
            filled[:, tip, axis] = np.interp(
                tips.time_s, tips.time_s[known], filled[known, tip, axis]
            )
    return filled


def most_doubtful_of_each_part(doubts: FloatArray, parts: int) -> NDArray[np.int_]:
    """Divide a recording into parts of equal length and return the most doubtful picture of each.

    Neighbours show nearly the same, so pictures are at least a quarter of a part from each other.

    Parameters
    ----------
    doubts
        Shape (pictures,); NaN is never chosen.
    parts
        How many; fewer where there are fewer pictures.

    Returns
    -------
    ndarray
        Numbers of pictures, rising.
    """
    chosen: list[int] = []
    bounds = np.linspace(0, len(doubts), min(parts, len(doubts)) + 1).astype(int)
    apart = len(doubts) / max(4 * parts, 1)
    for start, stop in pairwise(bounds.tolist()):
        order = start + np.argsort(-doubts[start:stop], kind="stable")
        free = (
            int(n)
            for n in order
            if np.isfinite(doubts[n]) and (not chosen or n - chosen[-1] >= apart)
        )
        chosen += [n for n in [next(free, -1)] if n >= 0]
    return np.array(chosen, dtype=np.int_)

"""Which frames of a video repeat the picture before them, and how many new pictures a second.

An editor or a video call that raises the frame rate shows pictures several times. Encoding them
again adds small differences, so that a repeat is nearly the picture before, not exactly. A hand at
rest gives nearly the same picture, too. A repeat is told from it by its place: it lies between new
pictures that differ far more.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tapscope.records import FloatArray
from tapscope.video.probe import Pixels

SAMPLES_ACROSS: Final = 240
"""Samples along the shorter side of an image that are compared."""
_BLOCK: Final = 4
"""Side of the blocks, in samples, over which a difference is averaged: noise is not."""
_LARGEST: Final = 3
"""The change of a picture is that of its third most changed block: a finger is small in it."""


@dataclass(frozen=True, slots=True)
class RepeatLimits:
    """What tells a repeat from a hand that turns or rests; see `find_repeats`."""

    low_share: float = 0.12
    """A repeat changes less than this share of what the new pictures around it change."""
    moving: float = 6.0
    """Least change of a new picture, grey levels: encoders change still pictures by less."""
    longest_run: int = 7
    """Most repeats of one picture: 30 pictures a second shown at 240."""
    least_share: float = 0.12
    """Share of repeats that makes them a rule: one in eight. A hand that turns does so less
    often between two frames that look alike; 24 pictures shown at 30 frames give one in five."""
    least_count: int = 4
    """The same in frames, within `window_s` on both sides."""
    window_s: float = 1.0
    longest_wait: float = 1.5
    """A picture like the one before counts as new after so many usual intervals of new pictures:
    then nothing moves."""


LIMITS: Final = RepeatLimits()


@dataclass(frozen=True, slots=True)
class Repeats:
    """What was found about the pictures of a video."""

    is_repeat: NDArray[np.bool_]
    """Whether each frame repeats the picture before; shape (frames,)."""
    new_share: float
    """New pictures over frames where the picture moves; 1 where nothing is repeated."""


def sample(image: Pixels) -> NDArray[np.int16]:
    """Return some grey values of an image, shape (rows, columns); what `change` compares."""
    step = max(1, min(image.shape[:2]) // SAMPLES_ACROSS)
    red, green, blue = np.moveaxis(image[::step, ::step].astype(np.int16), -1, 0)
    grey: NDArray[np.int16] = (red + 2 * green + blue) // 4
    return grey


def change(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    """Return how much the most changed parts of two images differ, in grey levels."""
    difference = np.abs(one - other)
    rows, columns = (max(1, length // _BLOCK) for length in difference.shape)
    height, width = (min(_BLOCK, length) for length in difference.shape)
    blocks = difference[: rows * height, : columns * width]
    means = blocks.reshape(rows, height, columns, width).mean(axis=(1, 3)).ravel()
    place = max(0, means.size - _LARGEST)
    return float(np.partition(means, place)[place])


def find_repeats(time_s: FloatArray, changes: FloatArray, limits: RepeatLimits = LIMITS) -> Repeats:
    """Find the frames that repeat the picture before.

    A frame certainly repeats if it stands between two new pictures and changes far less than both;
    several do if both pictures also stand alone. Where such frames are the rule, all frames that
    change about as little repeat. The picture of a hand that turns changes little, too, but less
    often, and in one that is filmed at a high rate the frames beside it change little as well.

    Parameters
    ----------
    time_s
        Presentation times, seconds, rising strictly; shape (frames,).
    changes
        By how much each frame differs from the one before, see `change`; exactly 0 if in nothing.
        The first is not used.
    limits
        The thresholds.

    Returns
    -------
    Repeats
        Frames and share.
    """
    frames = len(time_s)
    none = Repeats(np.zeros(frames, np.bool_), 1.0)
    if frames < 3:
        return none
    certain, beside = _certain(changes, limits)
    is_new = (changes >= limits.moving) & ~certain
    is_rule = _where_a_rule(time_s, certain, is_new, limits)
    low = np.zeros(frames, np.bool_)
    if is_rule.any():
        threshold = _threshold(time_s, changes, certain, beside, limits)
        low = is_rule & (changes < threshold)
    low[0] = False
    certain &= is_rule | (changes == 0)
    shown_s = float(np.median(np.diff(time_s)))
    longest_s = (limits.longest_run + 1.5) * shown_s
    is_repeat = certain.copy()
    if low.any():
        usual_s = _usual_interval_s(time_s[~low], is_rule[~low], longest_s)
        is_repeat |= _not_at_rest(time_s, low, limits.longest_wait * usual_s)
    if not is_repeat.any():
        return none
    new_s = time_s[~(low | certain)]
    share = shown_s / _usual_interval_s(new_s, np.ones(len(new_s), np.bool_), longest_s)
    return Repeats(is_repeat, min(1.0, share))


def _certain(
    changes: FloatArray, limits: RepeatLimits
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which frames certainly repeat, and the change of the new pictures beside them."""
    frames = len(changes)
    # Before the first frame and after the last there is no picture, so that the other side decides.
    padded = np.concatenate([[0.0, np.inf], changes[1:], [np.inf, 0.0]])
    certain = np.zeros(frames, np.bool_)
    beside = np.full(frames, np.nan)
    for length in range(1, min(limits.longest_run, frames - 1) + 1):
        starts = np.arange(2, frames + 2 - length)  # in `padded`; frame n is padded[n + 1]
        top = sliding_window_view(padded, length).max(axis=1)[starts]
        left, right = padded[starts - 1], padded[starts + length]
        lesser = np.minimum(left, right)
        found = np.isfinite(lesser) & (lesser >= limits.moving) & (top < limits.low_share * lesser)
        if length > 1:
            outer = np.maximum(padded[starts - 2], padded[starts + length + 1])
            found &= (outer < limits.low_share * lesser) | (top == 0)
        for start in starts[found]:
            certain[start - 1 : start - 1 + length] = True
            beside[start - 1 : start - 1 + length] = lesser[start - 2]
    return certain, beside


def _where_a_rule(
    time_s: FloatArray,
    certain: NDArray[np.bool_],
    is_new: NDArray[np.bool_],
    limits: RepeatLimits,
) -> NDArray[np.bool_]:
    """Return where repeats are the rule: everywhere, or only around a frame."""

    def ruled(repeats: FloatArray, new: FloatArray) -> NDArray[np.bool_]:
        is_rule: NDArray[np.bool_] = (repeats >= limits.least_count) & (
            repeats >= limits.least_share * (repeats + new)
        )
        return is_rule

    whole = ruled(np.array([float(certain.sum())]), np.array([float(is_new.sum())]))
    if whole[0]:
        return np.ones(len(time_s), np.bool_)
    near = _near(time_s, limits.window_s)
    return ruled(_sums(certain, near), _sums(is_new, near))


def _near(time_s: FloatArray, window_s: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the first and last frame, exclusively, within a time of each frame."""
    return (
        np.searchsorted(time_s, time_s - window_s, side="left"),
        np.searchsorted(time_s, time_s + window_s, side="right"),
    )


def _sums(
    values: NDArray[np.bool_] | FloatArray, near: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> FloatArray:
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    sums: FloatArray = total[near[1]] - total[near[0]]
    return sums


def _threshold(
    time_s: FloatArray,
    changes: FloatArray,
    certain: NDArray[np.bool_],
    beside: FloatArray,
    limits: RepeatLimits,
) -> FloatArray:
    """Return the change that separates repeats from new pictures around each frame.

    It is the geometric mean of the changes of certain repeats and of the new pictures beside them:
    both kinds differ by factors.
    """
    near = _near(time_s, limits.window_s)
    count = _sums(certain, near)
    low = _mean(_sums(np.where(certain, changes, 0.0), near), count, changes[certain])
    high = _mean(_sums(np.where(certain, beside, 0.0), near), count, beside[certain])
    least = (limits.low_share * limits.moving) ** 2 / high  # exact repeats change nothing
    threshold: FloatArray = np.sqrt(np.maximum(low, least) * high)
    return threshold


def _mean(sums: FloatArray, count: FloatArray, values: FloatArray) -> FloatArray:
    """Return the mean around each frame, that of the recording where nothing is near."""
    return np.where(count > 0, sums / np.maximum(count, 1), values.mean())


def _usual_interval_s(new_s: FloatArray, counts: NDArray[np.bool_], longest_s: float) -> float:
    """Return the mean time between new pictures, rests left out.

    Parameters
    ----------
    new_s
        Times of the new pictures, seconds.
    counts
        Which of them count; both of a pair have to.
    longest_s
        In a longer interval nothing moves.
    """
    interval_s = np.diff(new_s)
    kept = (interval_s < longest_s) & counts[1:] & counts[:-1]
    return float(interval_s[kept].mean()) if kept.any() else longest_s


def _not_at_rest(
    time_s: FloatArray, low: NDArray[np.bool_], longest_wait_s: float
) -> NDArray[np.bool_]:
    """Return the repeats; where nothing moves for longer, pictures count as new now and then."""
    is_repeat = low.copy()
    last_s = -math.inf
    for n, at_s in enumerate(time_s.tolist()):
        if not low[n] or at_s - last_s >= longest_wait_s:
            is_repeat[n] = False
            last_s = at_s
    return is_repeat

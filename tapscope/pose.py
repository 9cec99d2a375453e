"""Follow hands through a video and say which one taps.

Every hand in view is followed on its own, in a window that moves with it; the whole picture is
searched at the start, when a hand is lost, and every few seconds for hands that came later. At the
end the hand that taps is taken, or the one on the side that was asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from tapscope.choice import choose_track, mean_x, oscillation
from tapscope.crop import Window
from tapscope.engine import Engine
from tapscope.identity import SettledTips, settle
from tapscope.locate import FILL, SURE, HandView, distance, find_hands, look, window_around
from tapscope.records import FloatArray, FrameBatch, Keypoints
from tapscope.smear import edge_smear_px

CHUNK_FRAMES = 8
"""Frames that share a window: a quarter of a second at 30 frames a second."""
SEARCH_EVERY_S = 2.0
SEARCH_LOST_EVERY_S = 0.25
"""A search costs as much as several frames: after a loss it is not made in each one."""
MOST_TRACKS = 3
SAME_HAND = 0.8
"""Windows nearer than this share of their side show the same hand."""
MIDDLE_FRAMES = 9
"""Frames over which the middle of the hand is steadied."""
LOST_REACH = 1.5
"""A lost hand may be taken up again within this many window sides of where it was last seen."""


@dataclass(slots=True)
class _Track:
    """One hand on its way through the video."""

    window: Window
    born: int
    lost_s: float = 0.0
    frames: list[HandView | None] = field(default_factory=list)

    @property
    def is_lost(self) -> bool:
        return self.lost_s > 0


class HandTracker:
    """Takes the frames of one video in order, gives the keypoints of the tapping hand.

    Parameters
    ----------
    engine
        Runs the network.
    size_px
        Side of the crops; by default five sixths of the side that the weights were trained on.
    """

    def __init__(self, engine: Engine, size_px: int | None = None) -> None:
        self._engine = engine
        self._size = size_px or _following_side(engine.card.input_size_px)
        self._tracks: list[_Track] = []
        self._time: list[float] = []
        self._blur: list[FloatArray] = []
        self._next_search_s = 0.0

    def add(self, batch: FrameBatch) -> None:
        """Follow every hand through the next frames."""
        step = max(CHUNK_FRAMES, self._engine.batch_size)
        for start in range(0, len(batch), step):
            pixels = batch.pixels[start : start + step]
            self._add_chunk(list(pixels), batch.time_s[start : start + step])

    def _add_chunk(self, pictures: list[NDArray[np.uint8]], time_s: FloatArray) -> None:
        begin, end = float(time_s[0]), float(time_s[-1])
        if begin >= self._next_search_s:
            self._search(pictures[len(pictures) // 2])
            none_alive = all(t.is_lost for t in self._tracks)
            self._next_search_s = end + (SEARCH_LOST_EVERY_S if none_alive else SEARCH_EVERY_S)
        for track in self._tracks:
            views = [None] * len(pictures) if track.is_lost else self._follow(track, pictures)
            track.frames += views
            if all(view is None for view in views):
                track.lost_s += end - begin + 1e-9
                self._next_search_s = min(self._next_search_s, end + SEARCH_LOST_EVERY_S)
        self._time += time_s.tolist()
        self._blur.append(self._smear(pictures))

    def _search(self, picture: NDArray[np.uint8]) -> None:
        """Look at the whole picture: take up lost hands, begin to follow new ones."""
        followed = [t.window for t in self._tracks if not t.is_lost]
        for hand in find_hands(self._engine, picture, self._size, followed=followed):
            window = window_around(hand.position_px, hand.height, hand.measured)
            if window is None:
                continue
            known = [t for t in self._tracks if not t.is_lost]
            if any(distance(window, t.window) < SAME_HAND for t in known):
                continue
            lost = [
                t
                for t in self._tracks
                if t.is_lost
                and distance(window, t.window) < LOST_REACH
                and 0.5 < window.side / t.window.side < 2
            ]
            if lost:
                nearest = min(lost, key=lambda t: distance(window, t.window))
                nearest.window, nearest.lost_s = window, 0.0
            elif len(known) < MOST_TRACKS:
                self._tracks.append(
                    _Track(window, len(self._time), frames=[None] * len(self._time))
                )

    def _follow(self, track: _Track, pictures: list[NDArray[np.uint8]]) -> list[HandView | None]:
        """See a hand in some frames; look again where it left the window it was expected in."""
        views: list[HandView] = []
        for attempt in range(3):
            views = look(self._engine, pictures, [track.window] * len(pictures), self._size)
            seen = [v for v in views if v.score >= SURE]
            if len(seen) < max(1, len(views) // 4):
                break
            better = window_around(
                np.stack([v.position_px for v in seen]),
                np.stack([v.height for v in seen]),
                self._engine.measured,
            )
            if better is None or _fits(track.window, better) or attempt == 2:
                break
            track.window = better
        return [view if view.score >= SURE else None for view in views]

    def _smear(self, pictures: list[NDArray[np.uint8]]) -> FloatArray:
        """Return the edge smear about the tips of the surest hand, one value a frame."""
        result = np.full(len(pictures), np.nan)
        for n, picture in enumerate(pictures):
            views = [t.frames[len(self._time) - len(pictures) + n] for t in self._tracks]
            seen = [v for v in views if v is not None]
            if seen:
                best = max(seen, key=lambda v: v.score)
                tips = best.position_px[best.measured.tips]
                result[n] = edge_smear_px(picture, tips, best.window.side)
        return result

    def finish(self, *, hand: str = "", hand_source: str = "") -> Keypoints:
        """Choose the hand and return its keypoints.

        Parameters
        ----------
        hand
            'left', 'right' or '' when nobody said.
        hand_source
            Who said: 'option', 'manifest', 'file name', 'protocol'.
        """
        count = len(self._time)
        joints = self._engine.card.joints
        tracks = [t for t in self._tracks if any(view is not None for view in t.frames)]
        chosen, choice = choose_track(
            [oscillation(t.frames) for t in tracks], [mean_x(t.frames) for t in tracks], hand
        )
        position = np.full((count, len(joints), 2), np.nan)
        confidence = np.zeros((count, len(joints)))
        reason = np.full(count, "no_hand", dtype="<U16")
        resettled = 0
        if chosen is not None:
            views = tracks[chosen].frames
            for n, view in enumerate(views):
                if view is not None:
                    position[n], confidence[n] = view.position_px, view.confidence
                    reason[n] = ""
            if self._engine.fingertips:
                tips = self._engine.measured.tips
                settled = settled_tips(views, np.array(self._time))
                same = np.isclose(position[:, tips], settled.position_px, rtol=0, atol=1.0)
                resettled = int((~same.all(axis=(1, 2)) & (reason == "")).sum())
                position[:, tips] = settled.position_px
                sure = self._engine.confidence(settled.height, settled.rival)
                confidence[:, tips] = np.where(settled.height > 0, sure, 0.0)
        blur = np.concatenate(self._blur) if self._blur else np.empty(0)
        return Keypoints(
            np.array(self._time),
            position,
            confidence,
            reason,
            joints,
            np.where(reason == "", blur, np.nan),
            {
                "hand": hand,
                "hand_source": hand_source,
                "hand_choice": choice,
                "hands_seen": str(len(tracks)),
                "frames_resettled": str(resettled),
            },
        )


def track_hand(
    frames: Iterable[FrameBatch],
    engine: Engine,
    *,
    hand: str = "",
    hand_source: str = "",
    size_px: int | None = None,
) -> Keypoints:
    """Return the keypoints of the tapping hand in a video.

    Parameters
    ----------
    frames
        The video in order.
    hand, hand_source
        Side that is known beforehand, and from where; see `HandTracker.finish`.
    size_px
        Side of the crops given to the network.

    Returns
    -------
    Keypoints
        Every frame of the video; NaN and a reason where the hand was not seen.
    """
    tracker = HandTracker(engine, size_px)
    for batch in frames:
        tracker.add(batch)
    return tracker.finish(hand=hand, hand_source=hand_source)


def _following_side(trained_px: int) -> int:
    """Return the side of the crops in which a hand is followed, a multiple of the stride.

    Training saw hands of all sizes about this one. On six rendered recordings (not those of the
    study) 80 px had the tips right as often as 96 px, in a quarter less time.
    """
    return max(1, trained_px * 5 // 6 // 16) * 16


def _fits(window: Window, better: Window) -> bool:
    """Say whether a window still shows the hand well enough to keep it."""
    return distance(window, better) < 0.12 and 0.8 < window.side / better.side < 1.25


def settled_tips(views: list[HandView | None], time_s: FloatArray) -> SettledTips:
    """Settle which fingertips are those of thumb and index finger, over all frames together.

    The steady point of the hand, to which tips are related, is the median of its joints.
    """
    seen = [n for n, view in enumerate(views) if view is not None]
    kept = [view for view in views if view is not None]
    middles = np.stack([np.median(v.position_px, axis=0) for v in kept])
    middle_px = np.full((len(views), 2), np.nan)
    middle_px[seen] = median_filter(middles, size=(MIDDLE_FRAMES, 1), mode="nearest")
    hand_px = FILL * float(np.median([v.window.side for v in kept]))
    peaks = [view.tips if view is not None else None for view in views]
    return settle(peaks, time_s, middle_px, hand_px)

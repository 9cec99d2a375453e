"""Follow hands through a video and say which one taps.

Every hand in view is followed on its own, in a window that moves with it; the whole picture is
searched at the start, when a hand is lost, and every few seconds for hands that came later. At the
end the hand that taps is taken, or the one on the side that was asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

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
MIRROR_EVERY = 16
"""One frame in so many is seen mirrored, too."""
SAME_TIP = 0.1
"""Answers nearer than this share of the hand are the same tip."""
LOST_REACH = 1.5
"""A lost hand may be taken up again within this many window sides of where it was last seen."""


@dataclass(slots=True)
class _Track:
    """One hand on its way through the video."""

    window: Window
    born: int
    lost_s: float = 0.0
    frames: list[HandView | None] = field(default_factory=list)
    mirrored_tips_px: dict[int, FloatArray] = field(default_factory=dict)
    """Thumb and index tip as seen in the mirrored picture of some frames; shape (2, 2) each."""

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
        Side of the crops; by default that on which the weights were trained.
    """

    def __init__(self, engine: Engine, size_px: int | None = None) -> None:
        self._engine = engine
        self._size = size_px or engine.card.input_size_px
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
            self._look_mirrored(track, pictures)
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

    def _look_mirrored(self, track: _Track, pictures: list[NDArray[np.uint8]]) -> None:
        """See some of the frames just followed mirrored: who knows what he sees answers alike."""
        first = len(self._time)
        chosen = [
            n
            for n in range(len(pictures))
            if (first + n) % MIRROR_EVERY == 0 and track.frames[first + n] is not None
        ]
        if not chosen:
            return
        window = replace(track.window, mirrored=True)
        views = look(
            self._engine, [pictures[n] for n in chosen], [window] * len(chosen), self._size
        )
        for n, view in zip(chosen, views, strict=True):
            track.mirrored_tips_px[first + n] = view.position_px[view.measured.tips]

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
        tracks = [t for t in self._tracks if any(view is not None for view in t.frames)]
        chosen, choice = choose_track(
            [oscillation(t.frames) for t in tracks], [mean_x(t.frames) for t in tracks], hand
        )
        track = tracks[chosen] if chosen is not None else _never_seen(len(self._time))
        position, confidence = self._as_seen(track.frames)
        resettled = self._settle(track.frames, position, confidence) if chosen is not None else 0
        is_seen = np.array([view is not None for view in track.frames], dtype=np.bool_)
        blur = np.concatenate(self._blur) if self._blur else np.empty(0)
        return Keypoints(
            time_s=np.array(self._time),
            position_px=position,
            confidence=confidence,
            reason=np.where(is_seen, "", "no_hand"),
            joints=self._engine.card.joints,
            blur_px=np.where(is_seen, blur, np.nan),
            agreement=_agreement(track, position[:, self._engine.measured.tips]),
            info={
                "hand": hand,
                "hand_source": hand_source,
                "hand_choice": choice,
                "hands_seen": str(len(tracks)),
                "frames_resettled": str(resettled),
            },
        )

    def _as_seen(self, views: Sequence[HandView | None]) -> tuple[FloatArray, FloatArray]:
        """Return places and confidences of the joints, each frame on its own."""
        joints = len(self._engine.card.joints)
        position = np.full((len(views), joints, 2), np.nan)
        confidence = np.zeros((len(views), joints))
        for n, view in enumerate(views):
            if view is not None:
                position[n], confidence[n] = view.position_px, view.confidence
        return position, confidence

    def _settle(
        self, views: list[HandView | None], position: FloatArray, confidence: FloatArray
    ) -> int:
        """Put the tips where the whole recording says; return in how many frames they moved."""
        if not self._engine.fingertips:
            return 0
        tips = self._engine.measured.tips
        settled = settled_tips(views, np.array(self._time))
        same = np.isclose(position[:, tips], settled.position_px, rtol=0, atol=1.0)
        is_seen = np.isfinite(position[:, tips]).all(axis=(1, 2))
        position[:, tips] = settled.position_px
        sure = self._engine.confidence(settled.height, settled.rival)
        confidence[:, tips] = np.where(settled.height > 0, sure, 0.0)
        return int((~same.all(axis=(1, 2)) & is_seen).sum())


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


def _fits(window: Window, better: Window) -> bool:
    """Say whether a window still shows the hand well enough to keep it."""
    return distance(window, better) < 0.12 and 0.8 < window.side / better.side < 1.25


def _never_seen(frames: int) -> _Track:
    return _Track(Window(0, 0, 1), 0, frames=[None] * frames)


def _agreement(track: _Track, tips_px: FloatArray) -> FloatArray:
    """Say where the mirrored look found the same tips; see `Keypoints.agreement`."""
    result = np.full(len(tips_px), np.nan)
    for n, again_px in track.mirrored_tips_px.items():
        view = track.frames[n]
        if view is not None:
            apart = np.linalg.norm(again_px - tips_px[n], axis=1)
            result[n] = float((apart <= SAME_TIP * FILL * view.window.side).all())
    return result


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

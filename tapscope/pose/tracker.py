"""Follow hands through a video and say which one taps.

Every hand in view is followed on its own, in a box that moves with it; the whole image is
searched at the start, when a hand is lost, and every few seconds for hands that came later. At the
end the hand that taps is taken, or the one on the side that was asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tapscope.network.crop import CropBox
from tapscope.network.engine import Engine
from tapscope.pose.crop_motion import crop_contains, predict_motion
from tapscope.pose.detector import (
    DETECTION_THRESHOLD,
    LONG_SIDES_PX,
    HandDetection,
    box_around,
    distance,
    find_hands,
    overlaps_any,
    predict_crops,
)
from tapscope.pose.hand_selection import choose_track, is_at_rest, mean_x
from tapscope.pose.motion_blur import edge_smear_px
from tapscope.pose.track import RECENT_FRAMES, Track
from tapscope.records import FloatArray, FrameBatch, Keypoints

CHUNK_FRAMES = 8
"""Frames that share a box: a quarter of a second at 30 frames a second."""
SEARCH_EVERY_S = 2.0
SEARCH_LOST_EVERY_S = 0.25
"""A search costs as much as several frames: after a loss it is not made in each one."""
MAX_TRACKS = 3
RESTING_FRAMES = 2
"""Frames of each chunk in which a hand is looked at that rests while another one taps: neighbours,
so that its own first taps show."""
FLIP_TEST_CONFIDENCE = 0.9
"""Confidence of both tips up to which a frame is seen mirrored, too: of 390 held-out images a
fifth, and looking at these again gained half of what looking at all again gains."""
MIRROR_EVERY = 16
"""One frame in so many is seen mirrored, too."""
MAX_REACQUIRE_DISTANCE = 1.8
"""A lost hand may be taken up again within this many box sides of where it was last seen."""


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
        self._tracks: list[Track] = []
        self._time: list[float] = []
        self._blur: list[FloatArray] = []
        self._next_search_s = 0.0
        self._searches = 0

    def add(self, batch: FrameBatch) -> None:
        """Follow every hand through the next frames."""
        step = max(CHUNK_FRAMES, self._engine.batch_size)
        for start in range(0, len(batch), step):
            pixels = batch.pixels[start : start + step]
            self._add_chunk(list(pixels), batch.time_s[start : start + step])

    def _add_chunk(self, images: list[NDArray[np.uint8]], time_s: FloatArray) -> None:
        begin, end = float(time_s[0]), float(time_s[-1])
        if begin >= self._next_search_s:
            self._search(images[len(images) // 2])
            pause_s = SEARCH_EVERY_S if self._followed() else SEARCH_LOST_EVERY_S
            self._next_search_s = end + pause_s
        for track in self._tracks:
            if track.state == "followed":
                self._update_track(track, images)
            else:
                track.frames += [None] * len(images)
                track.watched += [True] * len(images)
            if track.state == "lost":
                self._next_search_s = min(self._next_search_s, end + SEARCH_LOST_EVERY_S)
        self._remove_duplicate_tracks()
        self._time += time_s.tolist()
        self._blur.append(self._smear(images))

    def _update_track(self, track: Track, images: list[NDArray[np.uint8]]) -> None:
        """See a hand in the next frames: in all of them, in a few while it rests."""
        watched = np.ones(len(images), dtype=np.bool_)
        sure = FLIP_TEST_CONFIDENCE
        if self._is_at_rest(track):
            watched = np.arange(len(images)) % CHUNK_FRAMES < RESTING_FRAMES
            sure = 0.0
        seen = iter(self._follow(track, [images[n] for n in np.flatnonzero(watched)], sure))
        track.frames += [next(seen) if is_watched else None for is_watched in watched]
        track.watched += watched.tolist()
        self._look_mirrored(track, images)
        if all(view is None for view in track.frames[-len(images) :]):
            track.state = "lost"

    def _is_at_rest(self, track: Track) -> bool:
        others = [t for t in self._tracks if t.state == "followed" and t is not track]
        if not others or track.seen < RECENT_FRAMES:
            return False
        return is_at_rest(track.recent_tapping_score, [t.recent_tapping_score for t in others])

    def _followed(self) -> list[CropBox]:
        return [t.box for t in self._tracks if t.state == "followed"]

    def _remove_duplicate_tracks(self) -> None:
        """Of tracks that have come to follow one hand keep the one that saw it most."""
        kept: list[CropBox] = []
        for track in sorted(self._tracks, key=lambda t: -t.seen):
            if track.state == "followed":
                if overlaps_any(track.box, kept):
                    track.state = "ended"
                else:
                    kept.append(track.box)

    def _search(self, image: NDArray[np.uint8]) -> None:
        """Look at the whole image: take up lost hands, begin to follow new ones."""
        followed = self._followed()
        sizes: Sequence[int] = LONG_SIDES_PX
        if followed:  # what is still to be found can wait: one size at a time
            sizes = [LONG_SIDES_PX[self._searches % len(LONG_SIDES_PX)]]
        self._searches += 1
        for hand in find_hands(
            self._engine, image, self._size, followed=followed, long_sides_px=sizes
        ):
            box = hand.refined_bbox()
            if box is None or overlaps_any(box, self._followed()):
                continue
            lost = [
                t
                for t in self._tracks
                if t.state == "lost"
                and distance(box, t.box) < MAX_REACQUIRE_DISTANCE
                and 0.5 < box.side / t.box.side < 2
            ]
            if lost:
                nearest = min(lost, key=lambda t: distance(box, t.box))
                nearest.box, nearest.state = box, "followed"
            elif len(self._followed()) < MAX_TRACKS:
                self._tracks.append(Track.begun(box, len(self._time)))

    def _follow(
        self, track: Track, images: list[NDArray[np.uint8]], sure: float
    ) -> list[HandDetection | None]:
        """See a hand in some frames; look again where it left the box it was expected in."""
        views: list[HandDetection] = []
        for attempt in range(3):
            boxes = [track.box] * len(images)
            views = predict_crops(self._engine, images, boxes, self._size, sure=sure)
            seen = [v for v in views if v.score >= DETECTION_THRESHOLD]
            if len(seen) < max(1, len(views) // 4):
                break
            better = box_around(
                np.stack([v.position_px for v in seen]),
                np.stack([v.peak_value for v in seen]),
                self._engine.measured,
                track.box.rotation_deg,
            )
            if better is None or crop_contains(track.box, better) or attempt == 2:
                break
            track.box = better
        followed = [view if view.score >= DETECTION_THRESHOLD else None for view in views]
        track.box = predict_motion(track.box, followed)
        return followed

    def _look_mirrored(self, track: Track, images: list[NDArray[np.uint8]]) -> None:
        """See some of the frames just followed mirrored: who knows what he sees answers alike."""
        first = len(self._time)
        views = track.frames[first:]
        chosen = [
            (n, replace(view.box, mirrored=True))
            for n, view in enumerate(views)
            if (first + n) % MIRROR_EVERY == 0 and view is not None
        ]
        if not chosen:
            return
        again = predict_crops(
            self._engine, [images[n] for n, _ in chosen], [w for _, w in chosen], self._size
        )
        for (n, _), view in zip(chosen, again, strict=True):
            track.flipped_tips_px[first + n] = view.position_px[view.measured.tips]

    def _smear(self, images: list[NDArray[np.uint8]]) -> FloatArray:
        """Return the edge smear about the tips of the surest hand, one value a frame."""
        result = np.full(len(images), np.nan)
        for n, image in enumerate(images):
            views = [t.frames[len(self._time) - len(images) + n] for t in self._tracks]
            seen = [v for v in views if v is not None]
            if seen:
                best = max(seen, key=lambda v: v.score)
                tips = best.position_px[best.measured.tips]
                result[n] = edge_smear_px(image, tips, best.box.side)
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
            [t.tapping_score for t in tracks], [mean_x(t.frames) for t in tracks], hand
        )
        if chosen is not None:
            track = tracks[chosen]
        else:
            track = Track.begun(CropBox(0, 0, 1), len(self._time))
        position, confidence = self._as_seen(track.frames)
        reassigned = (
            self._assign_fingertips(track, position, confidence) if chosen is not None else 0
        )
        is_seen = np.array([view is not None for view in track.frames], dtype=np.bool_)
        unseen = np.where(np.array(track.watched, dtype=np.bool_), "no_hand", "not_watched")
        blur = np.concatenate(self._blur) if self._blur else np.empty(0)
        return Keypoints(
            time_s=np.array(self._time),
            position_px=position,
            confidence=confidence,
            reason=np.where(is_seen, "", unseen),
            names=self._engine.card.keypoints,
            blur_px=np.where(is_seen, blur, np.nan),
            agreement=track.agreement(position[:, self._engine.measured.tips]),
            info={
                "hand": hand,
                "hand_source": hand_source,
                "hand_choice": choice,
                "hands_seen": str(len(tracks)),
                "frames_reassigned": str(reassigned),
            },
        )

    def _as_seen(self, views: Sequence[HandDetection | None]) -> tuple[FloatArray, FloatArray]:
        """Return places and confidences of the keypoints, each frame on its own."""
        keypoints = len(self._engine.card.keypoints)
        position = np.full((len(views), keypoints, 2), np.nan)
        confidence = np.zeros((len(views), keypoints))
        for n, view in enumerate(views):
            if view is not None:
                position[n], confidence[n] = view.position_px, view.confidence
        return position, confidence

    def _assign_fingertips(self, track: Track, position: FloatArray, confidence: FloatArray) -> int:
        """Put the tips where the whole recording says; return in how many frames they moved."""
        if not self._engine.fingertips:
            return 0
        tips = self._engine.measured.tips
        settled = track.assigned_tips(np.array(self._time))
        same = np.isclose(position[:, tips], settled.position_px, rtol=0, atol=1.0)
        is_seen = np.isfinite(position[:, tips]).all(axis=(1, 2))
        position[:, tips] = settled.position_px
        sure = self._engine.confidence(settled.peak_value, settled.second_peak)
        confidence[:, tips] = np.where(settled.peak_value > 0, sure, 0.0)
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

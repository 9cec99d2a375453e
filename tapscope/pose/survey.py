"""First pass: find every hand of a recording and follow it, in samples a tenth of a second apart.

The whole image is searched once a quarter of a second, less often while a hand is clearly seen. A
hand that is found is followed from sample to sample, and back through the samples that are kept,
for it may have been in view before. Images are not kept beyond that, so memory does not grow with
the recording.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from math import floor
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.network.crop import CropBox, take_crop
from tapscope.network.engine import Engine
from tapscope.pose.detection import HandDetection, predict_crops
from tapscope.pose.detector import find_candidates, verify_candidates
from tapscope.pose.overlap import intersection_over_union, is_another, same_hand, size_ratio
from tapscope.pose.thresholds import DEFAULTS, PoseSettings
from tapscope.pose.track import HandTrack, expected_box
from tapscope.records import FrameBatch

_PATCH_PX: Final = 16
"""Side of the image that is kept of a rejected place, pixels."""
_CLOCK_S: Final = 1e-6
"""Seconds by which a time stamp may be rounded."""
_NEAREST: Final = 4
"""Samples from which the next crop is made."""


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """The hands of a recording, in pieces."""

    sample_time_s: list[float]
    """Time of each sample, seconds."""
    tracks: list[HandTrack]
    """In coordinates of the reduced image."""
    scale: float
    """Pixels of the image for one of the reduced image."""


@dataclass(slots=True)
class SampleTimes:
    """Says which frames of one video are samples; asked once for each frame, in order.

    Asked only for those that it wanted, another one wants them all: it can choose what is converted
    to an image.
    """

    settings: PoseSettings = DEFAULTS
    _next_s: float = 0.0

    def wants(self, time_s: float) -> bool:
        """Say whether the frame at this time is a sample."""
        if time_s < self._next_s - _CLOCK_S:
            return False
        slot = floor(time_s / self.settings.slot_s + _CLOCK_S)
        due = (
            (slot + fraction) * self.settings.slot_s
            for fraction in (*self.settings.sample_fractions, 1.0)
        )
        self._next_s = next(s for s in due if s > time_s + _CLOCK_S)
        return True


@dataclass(slots=True)
class Survey:
    """Takes the frames of one video in order.

    Parameters
    ----------
    engine
        Runs the network.
    size_px
        Side of the crops.
    settings
        The thresholds.
    """

    engine: Engine
    size_px: int
    settings: PoseSettings = DEFAULTS
    _time_s: list[float] = field(default_factory=list)
    _tracks: list[HandTrack] = field(default_factory=list)
    _history: deque[tuple[int, NDArray[np.uint8]]] = field(default_factory=deque)
    _rejected: deque[tuple[CropBox, NDArray[np.float32]]] = field(default_factory=deque)
    _times: SampleTimes = field(init=False)
    _slot: int = -1
    _scale: float = 1.0

    def __post_init__(self) -> None:
        self._times = SampleTimes(self.settings)

    def add(self, batch: FrameBatch) -> None:
        """Look at those of the next frames that are samples."""
        for image, time_s in zip(batch.pixels, batch.time_s.tolist(), strict=True):
            if not self._times.wants(time_s):
                continue
            slot = floor(time_s / self.settings.slot_s + _CLOCK_S)
            self._add_sample(self._reduced(image), time_s)
            if slot != self._slot:
                self._slot = slot
                self._search()
                self._remove_duplicates()

    def finish(self) -> SurveyResult:
        """Return the pieces that show a hand, the earliest first."""
        kept = [
            track
            for track in self._tracks
            if len(track.views) > 1 and track.mean_score() >= self.settings.min_track_score
        ]
        kept.sort(key=lambda track: (track.first, track.last))
        return SurveyResult(self._time_s, kept, self._scale)

    def _reduced(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the image with a longer side of at most `survey_long_side_px`."""
        height, width = image.shape[:2]
        self._scale = max(1.0, max(height, width) / self.settings.survey_long_side_px)
        if self._scale == 1.0:
            return image.copy()  # the batch that it is a part of shall not be kept
        size = (round(width / self._scale), round(height / self._scale))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def _add_sample(self, image: NDArray[np.uint8], time_s: float) -> None:
        """Follow every hand into the next sample."""
        number = len(self._time_s)
        self._time_s.append(time_s)
        self._history.append((number, image))
        while time_s - self._time_s[self._history[0][0]] > self.settings.history_s:
            self._history.popleft()
        alive = [track for track in self._tracks if track.alive]
        boxes = [self._expected(track, number, before=True) for track in alive]
        views = predict_crops(self.engine, [image] * len(boxes), boxes, self.size_px)
        for track, view in zip(alive, views, strict=True):
            if view.score < self.settings.detection_threshold:
                pass
            elif is_another(track.views[track.last], view, self.settings):
                track.alive = False
                self._begin(view, number, image)
            else:
                self._note(track, number, view, image)
            self._end_if_lost(track, image)

    def _note(
        self, track: HandTrack, number: int, view: HandDetection, image: NDArray[np.uint8]
    ) -> None:
        track.views[number] = view
        x, y = view.palm_px().tolist()
        patch = take_crop(image, CropBox(x, y, 0.2 * view.box.side), 4)
        red, green, blue = patch.reshape(-1, 3).mean(axis=0).tolist()
        track.colour[number] = (red, green, blue)

    def _expected(self, track: HandTrack, number: int, *, before: bool) -> CropBox:
        near = track.nearest(number, _NEAREST, before=before)
        return expected_box(
            [track.views[n] for n in near],
            [self._time_s[n] for n in near],
            self._time_s[number],
            self.settings,
        )

    def _end_if_lost(self, track: HandTrack, image: NDArray[np.uint8]) -> None:
        """End a track whose hand has gone, or that never followed one."""
        now_s, first_s = self._time_s[-1], self._time_s[track.first]
        if now_s - self._time_s[track.last] > self.settings.max_missed_s:
            track.alive = False
        if now_s - first_s < self.settings.trial_s:
            return
        since = bisect_right(self._time_s, now_s - self.settings.trial_s - _CLOCK_S)
        seen = sum(n >= since for n in track.views)
        if (
            seen < self.settings.min_support * (len(self._time_s) - since)
            or track.mean_score(since) < self.settings.min_track_score
        ):
            track.alive = False
            self._reject(track.views[track.last].box, image)

    def _search(self) -> None:
        """Look for hands that are not followed yet in the whole image of the newest sample."""
        number, image = self._history[-1]
        large, small = self.settings.long_sides_px
        sizes = [large, small]
        if self._sure_boxes(number):
            every = {large: self.settings.other_hand_slots, small: self.settings.small_hand_slots}
            sizes = [size for size in sizes if self._slot % every[size] == 0]
        candidates = [
            box
            for long_side_px in sizes
            for box in find_candidates(self.engine, image, long_side_px, self.settings)
            if not self._is_explained(box, number) and not self._is_rejected(box, image)
        ]
        hands = verify_candidates(
            self.engine,
            image,
            candidates,
            self.size_px,
            self.settings,
            most=self.settings.verify_candidates,
        )
        for box in candidates:
            if not any(
                intersection_over_union(box, hand.box, self.settings) > self.settings.explained_iou
                for hand in hands
            ):
                self._reject(box, image)
        for hand in hands:
            self._begin(hand, number, image)

    def _begin(self, hand: HandDetection, number: int, image: NDArray[np.uint8]) -> None:
        """Begin a track unless its hand is followed already."""
        for other in self._tracks:
            if other.alive and number in other.views:
                view = other.views[number]
                if same_hand(hand, view, self.settings):
                    if hand.score < self.settings.better_score * view.score:
                        return
                    del other.views[number]
                    other.alive = False
        self._tracks = [track for track in self._tracks if track.views]
        track = HandTrack()
        self._note(track, number, hand, image)
        self._follow_back(track, number)
        self._tracks.append(track)

    def _follow_back(self, track: HandTrack, number: int) -> None:
        """Follow a new hand back as far as it is seen and nothing else has followed it."""
        for earlier, image in list(self._history)[-2::-1]:
            missed_s = self._time_s[track.first] - self._time_s[earlier]
            if missed_s > self.settings.max_missed_s:
                return
            box = self._expected(track, earlier, before=False)
            (view,) = predict_crops(self.engine, [image], [box], self.size_px)
            if view.score < self.settings.detection_threshold:
                continue
            others = (t.views[earlier] for t in self._tracks if earlier in t.views)
            if is_another(track.views[track.first], view, self.settings) or any(
                same_hand(view, other, self.settings) for other in others
            ):
                return
            self._note(track, earlier, view, image)

    def _is_explained(self, box: CropBox, number: int) -> bool:
        """Say whether a candidate lies on a hand that is followed and clearly seen."""
        return any(
            intersection_over_union(box, other, self.settings) > self.settings.explained_iou
            for other in self._sure_boxes(number)
        )

    def _sure_boxes(self, number: int) -> list[CropBox]:
        """Return the crops of the hands that are clearly seen in a sample."""
        views = (track.views.get(number) for track in self._tracks if track.alive)
        return [v.box for v in views if v is not None and v.score >= self.settings.sure_score]

    def _is_rejected(self, box: CropBox, image: NDArray[np.uint8]) -> bool:
        """Say whether a candidate was rejected and its place has not changed since."""
        return any(
            intersection_over_union(box, other, self.settings) > self.settings.same_hand_iou
            and np.abs(_patch(image, other) - patch).mean() < self.settings.unchanged_levels
            for other, patch in self._rejected
        )

    def _reject(self, box: CropBox, image: NDArray[np.uint8]) -> None:
        self._rejected.append((box, _patch(image, box)))
        if len(self._rejected) > self.settings.max_rejected:
            self._rejected.popleft()

    def _remove_duplicates(self) -> None:
        """Of two tracks that have come to follow one hand, end the worse one."""
        number = len(self._time_s) - 1
        followed = [t for t in self._tracks if t.alive and number in t.views]
        for n, younger in enumerate(followed):
            for older in followed[:n]:
                if (
                    younger.alive
                    and older.alive
                    and same_hand(younger.views[number], older.views[number], self.settings)
                ):
                    self._end_worse(younger, older, number)
        self._tracks = [track for track in self._tracks if track.views]

    def _end_worse(self, younger: HandTrack, older: HandTrack, number: int) -> None:
        """End one of two tracks and drop its samples since they met."""
        since = max(0, number - len(self.settings.sample_fractions) * 4)
        advantage = self.settings.better_score
        boxes = [track.views[number].hand_box(self.settings) for track in (younger, older)]
        if size_ratio(*boxes) > 1.4:
            advantage = 1.0  # one follows a part of the hand: the higher score is the whole
        worse, better = younger, older
        if younger.mean_score(since) > advantage * older.mean_score(since):
            worse, better = older, younger
        worse.alive = False
        for n in sorted(worse.views, reverse=True):
            if n not in better.views or not same_hand(
                worse.views[n], better.views[n], self.settings
            ):
                break
            del worse.views[n]


def _patch(image: NDArray[np.uint8], box: CropBox) -> NDArray[np.float32]:
    return take_crop(image, box, _PATCH_PX).astype(np.float32)

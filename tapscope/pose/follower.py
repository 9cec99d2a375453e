"""Follow one hand causally, frame by frame as the frames come in.

The crop of a frame is that in which the hand is expected after what was seen before. Only if there
is no hand is the whole image searched, which takes as long as many crops: once for large hands,
with the next frame for small ones. A recording is measured by `tracker`, which looks both ways in
time; this is for what is shown while a camera runs.
"""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.network.engine import Engine
from tapscope.pose.detection import HandDetection, predict_crops
from tapscope.pose.detector import find_candidates, verify_candidates
from tapscope.pose.overlap import is_another, same_hand
from tapscope.pose.thresholds import DEFAULTS, PoseSettings
from tapscope.pose.track import expected_box

_APART_S: Final = 0.1
"""Time between the views, besides the last two, from which the size of the crop is taken."""


class HandFollower:
    """Takes frames in order of time; some may be left out.

    Parameters
    ----------
    engine
        Runs the network.
    size_px
        Side of the crops; by default that on which the weights were trained.
    settings
        The thresholds.
    """

    def __init__(
        self, engine: Engine, size_px: int | None = None, settings: PoseSettings = DEFAULTS
    ) -> None:
        self._engine = engine
        self._size_px = size_px or engine.card.input_size_px
        self._settings = settings
        self._views: deque[tuple[float, HandDetection]] = deque()
        """Of the followed hand, within `trial_s`."""
        self._tried_s: deque[float] = deque()
        """Times of the frames in which it was looked for, within `trial_s`."""
        self._begun_s = 0.0
        """When it was found."""
        self._searches = 0

    def warm_up(self, image: NDArray[np.uint8]) -> None:
        """Make the engine ready for every size of image that it will see."""
        for long_side_px in self._settings.long_sides_px:
            find_candidates(self._engine, image, long_side_px, self._settings)
        crop = np.zeros((1, self._size_px, self._size_px, 3), np.uint8)
        self._engine.keypoints(crop)

    def see(self, image: NDArray[np.uint8], time_s: float) -> HandDetection | None:
        """Return the hand in the next frame, None if it is not seen.

        Parameters
        ----------
        image
            RGB, shape (height, width, 3).
        time_s
            Time stamp, later than that of the frame before.
        """
        if not self._views:
            return self._found(image, time_s)
        view = self._follow(image, time_s)
        if self._is_lost(time_s):
            self._forget()
        return view

    def look_elsewhere(self, image: NDArray[np.uint8], time_s: float) -> HandDetection | None:
        """Search the whole image, too; return the followed hand or one that is clearly better.

        Parameters
        ----------
        image, time_s
            As for `see`, of a frame that was not seen yet.
        """
        followed = self.see(image, time_s)
        hand = self._search(image)
        if followed is None or hand is None:
            return followed
        if same_hand(hand, followed, self._settings):
            return followed
        if hand.score < self._settings.better_score * followed.score:
            return followed
        self._begin(hand, time_s)
        return hand

    def _found(self, image: NDArray[np.uint8], time_s: float) -> HandDetection | None:
        hand = self._search(image)
        if hand is None or hand.score < self._settings.min_track_score:
            return None
        self._begin(hand, time_s)
        return hand

    def _search(self, image: NDArray[np.uint8]) -> HandDetection | None:
        """Return the highest-scoring hand of the whole image at one of its sizes."""
        settings = self._settings
        long_side_px = settings.long_sides_px[self._searches % len(settings.long_sides_px)]
        self._searches += 1
        boxes = find_candidates(self._engine, image, long_side_px, settings)
        most = settings.verify_candidates
        hands = verify_candidates(self._engine, image, boxes, self._size_px, settings, most=most)
        return hands[0] if hands else None

    def _begin(self, hand: HandDetection, time_s: float) -> None:
        self._forget()
        self._views.append((time_s, hand))
        self._tried_s.append(time_s)
        self._begun_s = time_s

    def _forget(self) -> None:
        self._views.clear()
        self._tried_s.clear()

    def _follow(self, image: NDArray[np.uint8], time_s: float) -> HandDetection | None:
        near = self._near()
        box = expected_box(
            [view for _, view in near], [at_s for at_s, _ in near], time_s, self._settings
        )
        (view,) = predict_crops(self._engine, [image], [box], self._size_px)
        self._tried_s.append(time_s)
        last = self._views[-1][1]
        if view.score < self._settings.detection_threshold:
            return None
        if is_another(last, view, self._settings):
            return None
        self._views.append((time_s, view))
        return view

    def _near(self) -> list[tuple[float, HandDetection]]:
        """Return the last two views and some within `extent_s` before, the latest first.

        A hand that has just closed will open again: the crop must be as large as it was then.
        """
        latest = list(self._views)[::-1]
        near = latest[:2]
        for at_s, view in latest[2:]:
            if latest[0][0] - at_s > self._settings.extent_s:
                break
            if near[-1][0] - at_s >= _APART_S:
                near.append((at_s, view))
        return near

    def _is_lost(self, time_s: float) -> bool:
        """Say whether the hand has gone, or was none; forget what is too old."""
        settings = self._settings
        if time_s - self._views[-1][0] > settings.max_missed_s:
            return True
        while time_s - self._tried_s[0] > settings.trial_s:
            self._tried_s.popleft()
        while time_s - self._views[0][0] > settings.trial_s:
            self._views.popleft()
        if time_s - self._begun_s < settings.trial_s:
            return False
        scores = [view.score for _, view in self._views]
        return (
            len(scores) < settings.min_support * len(self._tried_s)
            or float(np.mean(scores)) < settings.min_track_score
        )

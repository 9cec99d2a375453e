"""What was seen in the last seconds: signals for the guide, the aperture, and the tapping rate."""

import math
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.live.guide import Signals
from tapscope.pipeline.tapping import find_tapping
from tapscope.pose.detection import HandDetection
from tapscope.protocol.protocol import Protocol
from tapscope.records import FloatArray, Keypoints
from tapscope.signal.aperture import from_keypoints

TRACE_S: Final = 6.0
"""Seconds of the trace."""
TRAIL_S: Final = 0.35
_SIGNALS_S: Final = 1.0
_INTERVALS_S: Final = 2.0
"""Seconds of captured frames whose intervals are looked at."""
_RATE_S: Final = 4.0
"""Seconds whose taps make the tapping rate."""
_MAX_PAUSE_INTERVALS: Final = 2.5
"""Usual intervals without a closure after which nothing taps; as a pause in `signal.task` ..."""
_MIN_PAUSE_S: Final = 1.0
"""... and never before so many seconds."""
_LATE: Final = 1.5
"""Mean intervals from which a frame is late."""
_BRIGHTNESS_STEP: Final = 4
"""One pixel in so many, along each axis, is looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one frame showed."""

    time_s: float
    view: HandDetection | None
    brightness: float
    """See `brightness_of`."""
    at_edge: bool
    """Whether the hand reaches out of the image."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The last seconds, measured."""

    time_s: FloatArray
    """Of each frame that was looked at; shape (frames,)."""
    aperture: FloatArray
    """In `unit`, NaN unknown; shape (frames,)."""
    unit: str
    closure_s: FloatArray
    """Middles of the closed phases; shape (closures,)."""
    rate_hz: float
    """Taps a second now; NaN if nothing taps."""


NOTHING: Final = Reading(np.zeros(0), np.zeros(0), "hand_lengths", np.zeros(0), math.nan)


def brightness_of(image: NDArray[np.uint8], view: HandDetection | None) -> float:
    """Return how light the light parts of the crop of a hand are, or of the image without one.

    It is the 90th percentile of the green channel, 0 to 255. A median would call a dark hand, or
    any hand before dark clothes, badly lit.
    """
    part = image
    if view is not None:
        height, width = image.shape[:2]
        half = view.box.side / 2
        left, right = (int(np.clip(view.box.x + d, 0, width)) for d in (-half, half))
        top, bottom = (int(np.clip(view.box.y + d, 0, height)) for d in (-half, half))
        if right - left > _BRIGHTNESS_STEP and bottom - top > _BRIGHTNESS_STEP:
            part = image[top:bottom, left:right]
    return float(np.percentile(part[::_BRIGHTNESS_STEP, ::_BRIGHTNESS_STEP, 1], 90))


def is_at_edge(image: NDArray[np.uint8], view: HandDetection) -> bool:
    """Say whether one of the measured keypoints lies outside the image, or on its edge."""
    height, width = image.shape[:2]
    places = view.position_px[list(view.measured)]
    margin = 0.01 * min(height, width)
    inside = (places >= margin) & (places <= np.array([width, height]) - 1 - margin)
    return not bool(inside.all())


class Recent:
    """Keeps what was seen in the last seconds; may be used from several threads.

    Parameters
    ----------
    names
        Keypoints that the network places.
    protocol
        The measurement rules.
    """

    def __init__(self, names: tuple[str, ...], protocol: Protocol) -> None:
        self._names = names
        self._protocol = protocol
        self._lock = threading.Lock()
        self._seen: deque[Seen] = deque()
        self._captured_s: deque[float] = deque()

    def captured(self, time_s: float) -> None:
        """Note the time stamp of a frame that came from the source."""
        with self._lock:
            self._captured_s.append(time_s)
            while time_s - self._captured_s[0] > _INTERVALS_S:
                self._captured_s.popleft()

    def add(self, seen: Seen) -> None:
        """Note what was seen in a frame."""
        with self._lock:
            self._seen.append(seen)
            while seen.time_s - self._seen[0].time_s > TRACE_S:
                self._seen.popleft()

    def signals(self) -> Signals:
        """Return what the guide wants to know."""
        with self._lock:
            intervals_s = np.diff(self._captured_s)
            now_s = self._captured_s[-1] if self._captured_s else 0.0
            seen = [s for s in self._seen if now_s - s.time_s <= _SIGNALS_S]
        rate_hz, late_share = math.nan, math.nan
        if len(intervals_s):
            mean_s = float(np.mean(intervals_s))
            rate_hz = 1 / mean_s
            late_share = float((intervals_s > _LATE * mean_s).mean())
        return _signals(seen, rate_hz, late_share, self._protocol.keypoints.min_confidence)

    def trail(self) -> FloatArray:
        """Return the believed tips of the last frames, the last one now; NaN where not believed.

        Shape (frames, 2, 2).
        """
        with self._lock:
            last = list(self._seen)
        least = self._protocol.keypoints.min_confidence
        recent = [s.view for s in last if last[-1].time_s - s.time_s <= TRAIL_S]
        tips = [_tips(view, least) for view in recent]
        return np.array(tips).reshape(-1, 2, 2)

    def read(self) -> Reading:
        """Measure the last seconds with the tap finder of the analysis."""
        with self._lock:
            last = list(self._seen)
        if len(last) < 2 or all(s.view is None for s in last):
            times_s = np.array([s.time_s for s in last])
            return Reading(
                times_s, np.full(len(last), np.nan), NOTHING.unit, NOTHING.closure_s, math.nan
            )
        protocol = self._protocol
        apertures = from_keypoints(_keypoints(last, self._names), protocol.keypoints)
        trajectory = apertures.trajectory()
        taps = find_tapping(trajectory, protocol).taps
        closures_s = np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))
        return Reading(
            trajectory.time_s,
            trajectory.aperture,
            trajectory.unit,
            closures_s,
            rate_now_hz(taps.closure_s, taps.next_closure_s, float(trajectory.time_s[-1])),
        )


def rate_now_hz(closure_s: FloatArray, next_closure_s: FloatArray, now_s: float) -> float:
    """Return the tapping rate of the last seconds, Hz; NaN if nothing taps any more.

    Parameters
    ----------
    closure_s, next_closure_s
        Beginning and end of each tap, in order; shape (taps,).
    now_s
        The present moment.
    """
    is_recent = next_closure_s > now_s - _RATE_S
    interval_s = (next_closure_s - closure_s)[is_recent]
    if len(interval_s) < 2:
        return math.nan
    pause_s = max(_MIN_PAUSE_S, _MAX_PAUSE_INTERVALS * float(np.median(interval_s)))
    if now_s - next_closure_s[-1] > pause_s:
        return math.nan
    return len(interval_s) / float(interval_s.sum())


def _signals(
    seen: Sequence[Seen], rate_hz: float, late_share: float, min_confidence: float
) -> Signals:
    views = [s.view for s in seen if s.view is not None]
    if not seen:
        return Signals(rate_hz, late_share)
    brightness = float(np.median([s.brightness for s in seen]))
    if not views:
        return Signals(rate_hz, late_share, brightness)
    lengths_px = [_length_px(view) for view in views]
    tips = [float(view.confidence[view.measured.tips].min()) >= min_confidence for view in views]
    return Signals(
        rate_hz,
        late_share,
        brightness,
        # The longest are nearest to the truth: a hand that is turned looks shorter, never longer.
        hand_px=float(np.percentile(lengths_px, 90)),
        seen_share=len(views) / len(seen),
        tips_share=float(np.mean(tips)),
        edge_share=float(np.mean([s.at_edge for s in seen if s.view is not None])),
    )


def _length_px(view: HandDetection) -> float:
    wrist, knuckle = view.position_px[[view.measured.wrist, view.measured.middle_mcp]]
    return float(np.hypot(*(wrist - knuckle)))


def _tips(view: HandDetection | None, min_confidence: float) -> FloatArray:
    if view is None:
        return np.full((2, 2), np.nan)
    tips = view.measured.tips
    is_believed = view.confidence[tips] >= min_confidence
    return np.where(is_believed[:, None], view.position_px[tips], np.nan)


def _keypoints(seen: Sequence[Seen], names: tuple[str, ...]) -> Keypoints:
    position = np.full((len(seen), len(names), 2), np.nan)
    confidence = np.zeros((len(seen), len(names)))
    for n, one in enumerate(seen):
        if one.view is not None:
            position[n], confidence[n] = one.view.position_px, one.view.confidence
    unknown = np.full(len(seen), np.nan)
    return Keypoints(
        time_s=np.array([one.time_s for one in seen]),
        position_px=position,
        confidence=confidence,
        reason=np.where([one.view is not None for one in seen], "", "no_hand"),
        names=names,
        blur_px=unknown,
        agreement=unknown,
    )

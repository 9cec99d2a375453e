"""How fast the marks follow the frames."""

import math
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

_NOW_S: Final = 2.0
"""Seconds over which the present frame rate is taken."""
_MOST: Final = 2**17
"""Frames that are remembered: more than an hour."""


@dataclass(frozen=True, slots=True)
class LiveTiming:
    """The timing of a span of frames."""

    frames: int
    """Frames that came, or were due."""
    marked: int
    """Those of them whose marks were drawn."""
    duration_s: float
    """From the first to the last one, by their time stamps."""
    latency_median_ms: float
    """From a frame's capture to its drawn marks; NaN without frames."""
    latency_p95_ms: float

    @property
    def dropped(self) -> int:
        """Frames without marks."""
        return self.frames - self.marked

    @property
    def dropped_share(self) -> float:
        """Share of the frames without marks; NaN without frames."""
        return self.dropped / self.frames if self.frames else math.nan

    @property
    def marked_hz(self) -> float:
        """Frames with marks a second; NaN with fewer than two frames."""
        return self.marked / self.duration_s if self.duration_s > 0 else math.nan


class TimingLog:
    """Counts frames and their latency; may be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._marked: deque[tuple[float, float]] = deque(maxlen=_MOST)
        """Time stamp and latency of each marked frame, seconds."""
        self._captured: deque[tuple[float, int]] = deque(maxlen=_MOST)
        """Time stamp and number of each frame."""
        self._recent_s: deque[float] = deque()

    def captured(self, number: int, time_s: float) -> None:
        """Note a frame that came from the source."""
        with self._lock:
            self._captured.append((time_s, number))

    def marked(self, time_s: float, captured_s: float, now_s: float) -> None:
        """Note that the marks of a frame are drawn.

        Parameters
        ----------
        time_s
            Time stamp of the frame.
        captured_s, now_s
            Its capture and the present moment, by the same clock.
        """
        with self._lock:
            self._marked.append((time_s, now_s - captured_s))
            self._recent_s.append(now_s)
            while now_s - self._recent_s[0] > _NOW_S:
                self._recent_s.popleft()
            self._lock.notify_all()

    def now_hz(self) -> float:
        """Return how many frames a second get their marks now; NaN unknown."""
        with self._lock:
            times_s = list(self._recent_s)
        if len(times_s) < 2:
            return math.nan
        return (len(times_s) - 1) / (times_s[-1] - times_s[0])

    def wait_for(self, time_s: float, timeout_s: float) -> bool:
        """Wait until a frame of this time stamp or a later one is marked; say whether it is."""
        with self._lock:
            return self._lock.wait_for(
                lambda: bool(self._marked) and self._marked[-1][0] >= time_s, timeout_s
            )

    def between(self, first_s: float = -math.inf, last_s: float = math.inf) -> LiveTiming:
        """Return the timing of the frames with time stamps in a span, its ends included."""
        with self._lock:
            captured = [c for c in self._captured if first_s <= c[0] <= last_s]
            marked = [m for m in self._marked if first_s <= m[0] <= last_s]
        latency_ms = 1000 * np.array([latency_s for _, latency_s in marked])
        median, p95 = (
            np.percentile(latency_ms, [50, 95]).tolist() if marked else (math.nan, math.nan)
        )
        if not captured:
            return LiveTiming(0, 0, 0.0, median, p95)
        # numbers count the frames that the source itself has dropped, too
        frames = captured[-1][1] - captured[0][1] + 1
        return LiveTiming(frames, len(marked), captured[-1][0] - captured[0][0], median, p95)

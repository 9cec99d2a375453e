"""Sources and cameras that are not there, and a session that sees painted hands."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.hand import KEYPOINTS
from tapscope.live.guide import GuideRules
from tapscope.live.names import RecordingNames
from tapscope.live.session import Event, LiveSession
from tapscope.live.source import CapturedFrame, FrameSource
from tapscope.pose.follower import HandFollower
from tapscope.protocol.protocol import load
from tests.hands import DotEngine, hand_shape, opening, paint

QUICK = GuideRules(
    tapping_s=0.6, rest_s=0.1, countdown_s=0.1, ready_s=0.1, min_hand_px=20, min_brightness=0
)
"""A test of 0.8 s; the painted hands are black."""


class FakeClock:
    """A clock that goes on only when somebody waits or works."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waited_s: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.waited_s.append(seconds)
        self.now_s += seconds


class FakeCamera:
    """Stands for `cv2.VideoCapture`: some images, then none."""

    def __init__(self, images: int, *, opens: bool = True, pause: Callable[[], None] | None = None):
        self.left = images
        self.opens = opens
        self.released = False
        self._pause = pause

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opens

    def get(self, key: int) -> float:
        return {cv2.CAP_PROP_FRAME_HEIGHT: 240.0, cv2.CAP_PROP_FRAME_WIDTH: 320.0}[key]

    def read(self) -> tuple[bool, Any]:
        if self._pause:
            self._pause()
        if not self.left:
            return False, None
        self.left -= 1
        return True, np.full((240, 320, 3), (10, 20, 30), np.uint8)

    def release(self) -> None:
        self.released = True


def tapping_image(number: int) -> NDArray[np.uint8]:
    """Paint a tapping hand of 50 pixels, wrist to knuckle."""
    return paint([hand_shape(160, 120, aperture=opening(number), size=120.0)])


class PaintedSource:
    """Frames of a painted hand, 1/30 s apart and a little uneven; then an end, or an error."""

    name = "painted"
    dropped = 0
    size = (240, 320)

    def __init__(
        self,
        frames: int,
        *,
        error: Exception | None = None,
        is_live: bool = False,
        image: Callable[[int], NDArray[np.uint8]] = tapping_image,
        before: Callable[[int], None] | None = None,
    ) -> None:
        self.is_live = is_live
        self.given_s: list[float] = []
        self._frames = frames
        self._error = error
        self._image = image
        self._before = before
        self._closed = False

    def frames(self) -> Iterator[CapturedFrame]:
        for number in range(self._frames):
            if self._closed:
                return
            if self._before:
                self._before(number)
            time_s = number / 30 + 0.003 * (number % 3)
            self.given_s.append(time_s)
            yield CapturedFrame(number, time_s, 0.0, self._image(number))
        if self._error:
            raise self._error

    def close(self) -> None:
        self._closed = True


def painted_session(
    source: FrameSource, folder: Path, name: str = "test", rules: GuideRules = QUICK
) -> LiveSession:
    """Return a session whose network sees painted hands."""
    return LiveSession(
        source=source,
        follower=HandFollower(DotEngine()),
        names=RecordingNames(folder, name),
        keypoint_names=KEYPOINTS,
        protocol=load(),
        rules=rules,
    )


def interruptible(session: LiveSession, halted: threading.Event) -> LiveSession:
    """Return the session; who waits for its events meets Ctrl-C once `halted` is set."""
    wait = session.next_event

    def next_event(timeout_s: float) -> Event | None:
        if halted.is_set() and timeout_s:
            raise KeyboardInterrupt
        return wait(timeout_s)

    session.next_event = next_event  # type: ignore[method-assign]
    return session

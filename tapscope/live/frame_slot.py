"""The place where the newest frame waits for the network."""

import threading
from typing import Final

from tapscope.live.source import CapturedFrame

_CHECK_S: Final = 0.1
"""How often a waiting thread looks whether the slot was closed."""


class FrameSlot:
    """Passes frames from one thread to another; holds one frame at most.

    Parameters
    ----------
    keep_all
        Whether `put` waits until the frame before was taken; else a new frame replaces it, because
        the newest frame is wanted.
    """

    def __init__(self, *, keep_all: bool) -> None:
        self._keep_all = keep_all
        self._changed = threading.Condition()
        self._frame: CapturedFrame | None = None
        self._is_closed = False
        self.replaced = 0
        """Frames that nobody took."""

    def put(self, frame: CapturedFrame) -> None:
        """Give a frame; after `close` it is not taken any more."""
        with self._changed:
            while self._keep_all and self._frame is not None and not self._is_closed:
                self._changed.wait(_CHECK_S)
            if not self._is_closed:
                self.replaced += self._frame is not None
                self._frame = frame
            self._changed.notify_all()

    def take(self) -> CapturedFrame | None:
        """Wait for the newest frame; None once the slot is closed and empty."""
        with self._changed:
            while self._frame is None and not self._is_closed:
                self._changed.wait(_CHECK_S)
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """Wake up who waits; no further frame is accepted from now."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

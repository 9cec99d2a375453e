"""How far a batch is and how long the rest will take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class TimeLeft:
    """How far a batch is, in frames, and how long the rest will take.

    Headers tell the frames of recordings that have begun; those to come are reckoned from their
    size in bytes, by the frames a byte of those known. It is an estimate and is shown as one.
    """

    clock: Callable[[], float] = time.monotonic
    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of each recording to be analysed."""
    done: dict[str, int] = field(default_factory=dict)
    """Frames done of each recording begun."""
    expected: dict[str, int] = field(default_factory=dict)
    """Frames of each recording of which something is known."""
    over: set[str] = field(default_factory=set)
    begun_s: float | None = None

    def begin(self) -> None:
        """Start the clock, the first time."""
        if self.begun_s is None:
            self.begun_s = self.clock()

    def advance(self, name: str, done: int, total: int | None) -> None:
        """Note how far a recording is."""
        self.done[name] = done
        if total:
            self.expected[name] = max(total, done)

    def finish(self, name: str, frames: int) -> None:
        """Note that a recording is done."""
        self.done[name] = self.expected[name] = frames
        self.over.add(name)

    @property
    def frames_per_second(self) -> float | None:
        """Frames done a second since the first recording began, None before there are any."""
        frames = sum(self.done.values())
        if self.begun_s is None or not frames:
            return None
        return frames / max(self.clock() - self.begun_s, 1e-3)

    @property
    def total_frames(self) -> float | None:
        """Frames to be done in all, None while nothing tells."""
        known_bytes = sum(self.sizes[name] for name in self.expected)
        known = sum(self.expected.values())
        if not known or not known_bytes:
            return None
        return known + known / known_bytes * (sum(self.sizes.values()) - known_bytes)

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the end, None while nothing tells."""
        rate, total = self.frames_per_second, self.total_frames
        if rate is None or total is None:
            return None
        return max(total - sum(self.done.values()), 0.0) / rate


def clock_text(seconds: float | None) -> str:
    """Return '1:02:03', '2:03', or '?' for None."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""Progress of a batch in frames, and an estimate of the time left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class TimeLeft:
    """Progress of a batch in frames, and an estimate of the time left.

    The frames of started recordings are known from their headers. Those of the others are estimated
    from their size, with the frames per byte of the known ones.
    """

    clock: Callable[[], float] = time.monotonic
    sizes: dict[str, int] = field(default_factory=dict)
    """Size in bytes of each recording to analyse."""
    done: dict[str, int] = field(default_factory=dict)
    """Frames done of each started recording."""
    expected: dict[str, int] = field(default_factory=dict)
    """Frames of each recording for which the number is known."""
    completed: set[str] = field(default_factory=set)
    start_s: float | None = None

    def begin(self) -> None:
        """Start the clock; later calls change nothing."""
        if self.start_s is None:
            self.start_s = self.clock()

    def advance(self, name: str, done: int, total: int | None) -> None:
        """Note the progress of a recording."""
        self.done[name] = done
        if total:
            self.expected[name] = max(total, done)

    def finish(self, name: str, frames: int) -> None:
        """Note that a recording is completed."""
        self.done[name] = self.expected[name] = frames
        self.completed.add(name)

    @property
    def frames_per_second(self) -> float | None:
        """Frames per second since the first recording started; None before the first frame."""
        frames = sum(self.done.values())
        if self.start_s is None or not frames:
            return None
        return frames / max(self.clock() - self.start_s, 1e-3)

    @property
    def total_frames(self) -> float | None:
        """Estimated frames of all recordings; None while nothing is known."""
        known_bytes = sum(self.sizes[name] for name in self.expected)
        known = sum(self.expected.values())
        if not known or not known_bytes:
            return None
        return known + known / known_bytes * (sum(self.sizes.values()) - known_bytes)

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds to the end; None while nothing is known."""
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

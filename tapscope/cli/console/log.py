"""Watchers of a batch that draw nothing: silence, and the log for machines."""

import json
import sys
from collections.abc import Sequence
from typing import TextIO

from tapscope.pipeline.cache import CachedResult
from tapscope.pipeline.recordings import Recording


class SilentListener:
    """Shows nothing."""

    def planned(self, recordings: Sequence[Recording], todo: Sequence[Recording]) -> None:
        """Show nothing."""

    def started(self, recording: Recording) -> None:
        """Show nothing."""

    def progressed(self, recording: Recording, done: int, total: int | None) -> None:
        """Show nothing."""

    def finished(self, recording: Recording, cached: CachedResult, seconds: float) -> None:
        """Show nothing."""


class JsonLog(SilentListener):
    """Writes one JSON object a line for what happens.

    Names of recordings and messages often hold a participant's name, and logs travel further than
    results: an entry names a recording by its number in the table, a failure by its code.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._numbers: dict[str, int] = {}
        self._stream = stream or sys.stderr

    def write(self, event: str, **facts: str | int | float) -> None:
        """Write one entry."""
        print(json.dumps({"event": event, **facts}), file=self._stream, flush=True)

    def planned(self, recordings: Sequence[Recording], todo: Sequence[Recording]) -> None:
        """Log how much there is to do; number the recordings as the rows of the table."""
        self._numbers = {recording.name: n for n, recording in enumerate(recordings, start=1)}
        self.write("planned", recordings=len(recordings), todo=len(todo))

    def started(self, recording: Recording) -> None:
        """Log a beginning."""
        self.write("begun", recording=self._numbers[recording.name])

    def finished(self, recording: Recording, cached: CachedResult, seconds: float) -> None:
        """Log an end."""
        self.write(
            "finished",
            recording=self._numbers[recording.name],
            status=str(cached.cells["status"]),
            codes=str(cached.cells["flags"]),
            frames=cached.frames,
            seconds=round(seconds, 3),
        )

"""Progress listeners that draw nothing: a silent one, and a log for programs."""

import json
import sys
from collections.abc import Sequence
from typing import TextIO

from tapscope.pipeline.cache import CachedResult
from tapscope.pipeline.recordings import Recording


class SilentListener:
    """Ignores the progress of a batch."""

    def planned(self, recordings: Sequence[Recording], todo: Sequence[Recording]) -> None:
        """Do nothing."""

    def started(self, recording: Recording) -> None:
        """Do nothing."""

    def progressed(self, recording: Recording, done: int, total: int | None) -> None:
        """Do nothing."""

    def finished(self, recording: Recording, cached: CachedResult, seconds: float) -> None:
        """Do nothing."""


class JsonLog(SilentListener):
    """Writes one JSON object per line and event.

    Names of recordings and messages often contain a participant's name, and logs are passed on more
    freely than results. An entry therefore gives the row number of a recording in the table, and
    the code of a failure.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._numbers: dict[str, int] = {}
        self._stream = stream or sys.stderr

    def write(self, event: str, **facts: str | int | float) -> None:
        """Write one entry."""
        print(json.dumps({"event": event, **facts}), file=self._stream, flush=True)

    def planned(self, recordings: Sequence[Recording], todo: Sequence[Recording]) -> None:
        """Log the number of recordings; number them as the rows of the table."""
        self._numbers = {recording.name: n for n, recording in enumerate(recordings, start=1)}
        self.write("planned", recordings=len(recordings), todo=len(todo))

    def started(self, recording: Recording) -> None:
        """Log the start of a recording."""
        self.write("begun", recording=self._numbers[recording.name])

    def finished(self, recording: Recording, cached: CachedResult, seconds: float) -> None:
        """Log the end of a recording."""
        self.write(
            "finished",
            recording=self._numbers[recording.name],
            status=str(cached.cells["status"]),
            codes=str(cached.cells["flags"]),
            frames=cached.frames,
            seconds=round(seconds, 3),
        )
